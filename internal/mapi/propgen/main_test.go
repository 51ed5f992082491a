package main

import (
	"bytes"
	"os"
	"testing"
)

func TestTheGeneratedFileIsThatOfTheTable(t *testing.T) {
	table, err := os.ReadFile("../properties.txt")
	if err != nil {
		t.Fatal(err)
	}
	want, err := generate(string(table))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../known.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("known.go is not what properties.txt says; run go generate in internal/mapi")
	}
}

func TestATableThatContradictsItselfIsRefused(t *testing.T) {
	for _, table := range []string{
		"0037 String Subject", "[Tag", "[Tag]\n0037 String", "[Tag]\n37 String Subject", "[Tag]\n\"x\" String Subject",
		"[Tag]\n0037 String A\n0037 String B", "[Tag]\n0037 String A\n0038 String A", "[Set]\n0037 String A\n0037 Binary B",
	} {
		if list, err := parse(table); err == nil {
			t.Errorf("%q was read as %+v", table, list)
		}
	}
	if _, err := parse("[Tag]\n0E08 Integer32 A\n0E08 Integer64 B"); err != nil {
		t.Errorf("one id of two types: %v", err)
	}
}
