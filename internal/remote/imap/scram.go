package imap

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash"
	"strconv"
	"strings"
)

// scram is one exchange of SCRAM-SHA-256 or SCRAM-SHA-1 without channel binding. RFC 5802, RFC 7677
type scram struct {
	user, password string
	sha1           bool
	nonce          string // ours; random when ""

	firstBare, signature string
	step                 int
	verified             bool
}

func (s *scram) hash() func() hash.Hash {
	if s.sha1 {
		return sha1.New
	}
	return sha256.New
}

func (s *scram) mac(key []byte, text string) []byte {
	h := hmac.New(s.hash(), key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func (s *scram) first() []byte {
	if s.nonce == "" {
		s.nonce = rand.Text()
	}
	s.firstBare = "n=" + strings.NewReplacer("=", "=3D", ",", "=2C").Replace(s.user) + ",r=" + s.nonce
	return []byte("n,," + s.firstBare)
}

// next answers a challenge.
func (s *scram) next(challenge []byte) ([]byte, error) {
	s.step++
	fields := map[byte]string{}
	for _, f := range bytes.Split(challenge, []byte(",")) {
		if len(f) >= 2 && f[1] == '=' {
			fields[f[0]] = string(f[2:])
		}
	}
	if e := fields['e']; e != "" {
		return nil, errors.New("the server ended the sign-in: " + e)
	}
	switch s.step {
	case 1:
		return s.final(string(challenge), fields)
	case 2:
		if !hmac.Equal([]byte(fields['v']), []byte(s.signature)) {
			return nil, errors.New("the server did not prove that it knows the password: it may not be the server that it says it is")
		}
		s.verified = true
		return nil, nil
	}
	return nil, errors.New("the server asks for more than SCRAM has")
}

func (s *scram) final(challenge string, fields map[byte]string) ([]byte, error) {
	salt, err := base64.StdEncoding.DecodeString(fields['s'])
	rounds, err2 := strconv.Atoi(fields['i'])
	// RFC 7677 4 asks for at least 4096 rounds; the upper bound is a bound on the work that a server can ask for.
	if err != nil || err2 != nil || len(salt) == 0 || rounds < 1 || rounds > 10_000_000 || !strings.HasPrefix(fields['r'], s.nonce) || len(fields['r']) == len(s.nonce) {
		return nil, errors.New("the server's part of the SCRAM exchange makes no sense")
	}
	h := s.hash()
	salted, err := pbkdf2.Key(h, s.password, salt, rounds, h().Size())
	if err != nil {
		return nil, err
	}
	withoutProof := "c=biws,r=" + fields['r']
	message := s.firstBare + "," + challenge + "," + withoutProof
	clientKey := s.mac(salted, "Client Key")
	stored := h()
	stored.Write(clientKey)
	proof := s.mac(stored.Sum(nil), message)
	for i := range proof {
		proof[i] ^= clientKey[i]
	}
	s.signature = base64.StdEncoding.EncodeToString(s.mac(s.mac(salted, "Server Key"), message))
	return []byte(withoutProof + ",p=" + base64.StdEncoding.EncodeToString(proof)), nil
}
