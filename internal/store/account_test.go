package store

import (
	"errors"
	"testing"
	"time"
)

func TestAnAccountKeepsItsSettingsUntilSomethingIsSaidAboutThem(t *testing.T) {
	p := must(OpenProfile(t.Context(), t.TempDir(), Options{}))(t)
	defer p.Close()
	put := func(a Account) Account { return must(p.PutAccount(t.Context(), a))(t) }
	a := put(Account{Email: "anna@example.org"})
	if !a.Push || !a.OnStart || !a.OnChange || a.Every != time.Minute || a.Conflicts != "merge" {
		t.Errorf("a new account has %+v", a)
	}
	a.Push, a.OnStart, a.OnChange, a.Every, a.Conflicts = false, false, true, 0, "duplicate"
	put(a)
	put(Account{Email: "anna@example.org", Name: "Anna"}) // as someone does who knows nothing of settings
	want := a
	want.Name = "Anna"
	if got := must(p.Account(t.Context(), "anna@example.org"))(t); got != want {
		t.Errorf("got %+v", got)
	}
	if b := put(Account{Email: "ben@example.org", Every: 90 * time.Second, OnStart: true, Conflicts: "merge"}); b.Push || !b.OnStart || b.OnChange || b.Every != 90*time.Second {
		t.Errorf("got %+v", b)
	}
	for _, bad := range []Account{{Email: "c@example.org", Conflicts: "mine"}, {Email: "c@example.org", Every: -1, Conflicts: "merge"}} {
		if _, err := p.PutAccount(t.Context(), bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
	if _, err := p.Account(t.Context(), "c@example.org"); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestTrafficIsCountedByTheHourAndForgottenAfterAMonth(t *testing.T) {
	p := must(OpenProfile(t.Context(), t.TempDir(), Options{}))(t)
	defer p.Close()
	a := must(p.PutAccount(t.Context(), Account{Email: "anna@example.org"}))(t)
	b := must(p.PutAccount(t.Context(), Account{Email: "ben@example.org"}))(t)
	add := func(account int64, after time.Duration, bytes, messages int64) {
		t.Helper()
		if err := p.AddTraffic(t.Context(), account, testTime.Add(after), bytes, messages); err != nil {
			t.Error(err)
		}
	}
	since := func(account int64, after time.Duration, bytes, messages int64) {
		t.Helper()
		if n, ms, err := p.TrafficSince(t.Context(), account, testTime.Add(after)); err != nil || n != bytes || ms != messages {
			t.Errorf("since %v: %d bytes, %d messages: %v", after, n, ms, err)
		}
	}
	since(a.ID, 0, 0, 0)
	add(a.ID, 0, 1000, 10)
	add(a.ID, 30*time.Minute, 500, 0)
	add(a.ID, time.Hour, 100, 1)
	add(b.ID, 0, 7, 7)
	since(a.ID, -24*time.Hour, 1600, 11)
	since(a.ID, 59*time.Minute, 1600, 11)
	since(a.ID, time.Hour, 100, 1)
	add(a.ID, trafficKeep+2*time.Hour, 1, 1)
	since(a.ID, -24*time.Hour, 1, 1)
	since(b.ID, 0, 7, 7)
	if err := p.AddTraffic(t.Context(), 99, testTime, 1, 1); err == nil {
		t.Error("traffic of an account that is not there was taken")
	}
	if err := p.RemoveAccount(t.Context(), a.Email); err != nil {
		t.Fatal(err)
	}
	since(a.ID, 0, 0, 0)
}
