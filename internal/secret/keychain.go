package secret

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/zalando/go-keyring"
)

// Keychain is the operating system's store of secrets. Get returns ErrNotFound for a name that is not there.
type Keychain interface {
	Get(name string) (string, error)
	Set(name, value string) error
	Delete(name string) error
}

// KeychainError says that secrets of this data folder are in a keychain that cannot be asked.
type KeychainError struct{ Why string }

func (e *KeychainError) Error() string {
	return "the passwords of this data folder are in the system's keychain, which does not answer (" + e.Why +
		"): unlock it or run Outpost in your desktop session; or give the password again with outpost account add, with OUTPOST_KEYCHAIN=off to keep it in a file"
}

const (
	keychainService = "Outpost"
	keychainWait    = 5 * time.Second // a locked keychain may ask the person and never answer
)

// SystemKeychain returns the operating system's keychain, or nil and the reason why there is none. It never starts one:
// on Linux without a session bus asking would launch a D-Bus daemon that nobody ends.
func SystemKeychain() (Keychain, string) {
	switch runtime.GOOS {
	case "windows", "darwin":
		return systemKeychain{}, ""
	}
	if os.Getenv("DBUS_SESSION_BUS_ADDRESS") == "" {
		return nil, "there is no session bus here: DBUS_SESSION_BUS_ADDRESS is not set"
	}
	return systemKeychain{}, ""
}

type systemKeychain struct{}

func (systemKeychain) Get(name string) (string, error) {
	return inTime(func() (string, error) {
		v, err := keyring.Get(keychainService, name)
		if errors.Is(err, keyring.ErrNotFound) {
			return "", ErrNotFound
		}
		return v, err
	})
}

func (systemKeychain) Set(name, value string) error {
	_, err := inTime(func() (string, error) { return "", keyring.Set(keychainService, name, value) })
	return err
}

func (systemKeychain) Delete(name string) error {
	_, err := inTime(func() (string, error) {
		err := keyring.Delete(keychainService, name)
		if errors.Is(err, keyring.ErrNotFound) {
			return "", ErrNotFound
		}
		return "", err
	})
	return err
}

// inTime bounds a call to a keychain that takes no context.
func inTime(do func() (string, error)) (string, error) {
	type answer struct {
		v   string
		err error
	}
	done := make(chan answer, 1)
	go func() {
		v, err := do()
		done <- answer{v, err}
	}()
	timer := time.NewTimer(keychainWait)
	defer timer.Stop()
	select {
	case a := <-done:
		return a.v, a.err
	case <-timer.C:
		return "", fmt.Errorf("no answer in %v", keychainWait)
	}
}

// probe finds out whether a keychain keeps what it is given.
func probe(k Keychain) error {
	const name, value = "probe", "outpost"
	if err := k.Set(name, value); err != nil {
		return err
	}
	got, err := k.Get(name)
	if err != nil {
		return err
	}
	if got != value {
		return errors.New("the keychain returned something else than was stored")
	}
	return k.Delete(name)
}
