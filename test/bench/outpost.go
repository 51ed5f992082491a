package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"outpost/test/servers"
)

// outpost is the program with a data folder of its own, used as a person uses it.
type outpost struct {
	binary, data string
	server       *servers.Server
	user         servers.User
}

// The word is in the oldest message of each mailbox, which arrives last.
const marker = "Zwölfwochenwunder"

func newOutpost(binary, dir string, s *servers.Server, u servers.User) (*outpost, error) {
	return &outpost{binary, filepath.Join(dir, "data"), s, u}, os.MkdirAll(dir, 0o700)
}

func (o *outpost) run(stdin string, ok []int, args ...string) (cost, error) {
	return measure(o.server, command{
		argv:  append([]string{o.binary}, args...),
		env:   o.env(),
		stdin: stdin,
		ok:    ok,
	})
}

func (o *outpost) env() []string {
	return []string{"OUTPOST_DATA=" + o.data, "OUTPOST_KEYCHAIN=off", "HOME=" + filepath.Dir(o.data)}
}

func (o *outpost) add(services ...string) (cost, error) {
	return o.run(o.user.Password+"\n", nil, append([]string{"account", "add", o.user.Name, "--password-stdin"}, services...)...)
}

// whole wishes a folder whole. The program may have to look for the server's folders first.
func (o *outpost) whole(folder string) (cost, error) {
	var took cost
	known, err := o.run("", nil, "folder", "list", "--json")
	if err != nil {
		return took, err
	}
	var folders []struct{ Path string }
	if err := json.Unmarshal(known.Out, &folders); err != nil {
		return took, fmt.Errorf("folder list: %w", err)
	}
	if !slices.ContainsFunc(folders, func(f struct{ Path string }) bool { return f.Path == folder }) {
		if took, err = o.run("", nil, "sync", "--folder", "INBOX"); err != nil {
			return took, err
		}
	}
	set, err := o.run("", nil, "folder", "set", folder, "--sync", "whole", "--recursive")
	return took.plus(set), err
}

type syncResult struct {
	Downloaded, Uploaded, Deleted, Conflicts, Failures int
	BytesIn                                            int64
	Seconds                                            float64
}

func (o *outpost) sync() (cost, syncResult, error) {
	c, err := o.run("", nil, "sync", "--json")
	var r syncResult
	if err == nil {
		err = json.Unmarshal(c.Out, &r)
	}
	return c, r, err
}

// searchable searches until the marker is found, and returns how long that took.
func (o *outpost) searchable() (cost, error) {
	var took cost
	for took.Wall < longest {
		c, err := o.run("", nil, "search", marker, "--json")
		took = took.plus(c)
		if err != nil {
			return took, err
		}
		var found []struct{ Subject string }
		if err := json.Unmarshal(c.Out, &found); err != nil {
			return took, fmt.Errorf("search: %w", err)
		}
		if len(found) > 0 {
			return took, nil
		}
	}
	return took, errors.New("the oldest message is not found by its words")
}

// firstSync is what a person does with a new account, until everything can be read and found.
type firstSync struct {
	readable cost // as the time until the pass says that it is done
	all      cost // until the oldest message is found by search
	result   syncResult
}

func (o *outpost) first(folder string, whole bool, services ...string) (f firstSync, err error) {
	took, err := o.add(services...)
	if err != nil {
		return f, err
	}
	if whole {
		set, err := o.whole(folder)
		if err != nil {
			return f, err
		}
		took = took.plus(set)
	}
	pass, result, err := o.sync()
	if err != nil {
		return f, err
	}
	f.result = result
	// Only the time is known at that moment.
	f.readable = cost{Wall: took.Wall + time.Duration(result.Seconds*float64(time.Second))}
	f.all = took.plus(pass)
	if folder == "" {
		return f, nil
	}
	search, err := o.searchable()
	f.all = f.all.plus(search)
	return f, err
}

// quietPasses measures passes with nothing to do, Outpost (nil: left out) and a peer in turn.
func (b *bench) quietPasses(s *servers.Server, o *outpost, peer func() command) (ours, theirs []cost, err error) {
	for range b.passes {
		if o != nil {
			c, r, err := o.sync()
			if err != nil {
				return nil, nil, err
			}
			if r.Downloaded+r.Uploaded+r.Deleted+r.Conflicts+r.Failures > 0 {
				return nil, nil, fmt.Errorf("a pass with nothing to do reports %+v", r)
			}
			ours = append(ours, c)
		}
		c, err := measure(s, peer())
		if err != nil {
			return nil, nil, err
		}
		theirs = append(theirs, c)
	}
	return ours, theirs, nil
}
