package rtf

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func examples() map[string]struct{ packed, raw string } {
	return map[string]struct{ packed, raw string }{
		// MS-OXRTFCP 3.1.1, 3.2.1
		"simple": {
			"\x2d\x00\x00\x00\x2b\x00\x00\x00\x4c\x5a\x46\x75\xf1\xc5\xc7\xa7\x03\x00\x0a\x00\x72\x63\x70\x67\x31\x32\x35" +
				"\x42\x32\x0a\xf3\x20\x68\x65\x6c\x09\x00\x20\x62\x77\x05\xb0\x6c\x64\x7d\x0a\x80\x0f\xa0",
			"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n",
		},
		// MS-OXRTFCP 3.1.2, 3.2.2
		"reference across the place of writing": {
			"\x1a\x00\x00\x00\x1c\x00\x00\x00\x4c\x5a\x46\x75\xe2\xd4\x4b\x51\x41\x00\x04\x20\x57\x58\x59\x5a\x0d\x6e\x7d\x01\x0e\xb0",
			"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}",
		},
	}
}

func TestExamplesOfTheSpecificationByteForByte(t *testing.T) {
	for name, x := range examples() {
		got, err := Decompress([]byte(x.packed))
		if err != nil || string(got) != x.raw {
			t.Errorf("%s: decompressed to %q, %v", name, got, err)
		}
		if got := Compress([]byte(x.raw)); string(got) != x.packed {
			t.Errorf("%s: compressed to\n% x, want\n% x", name, got, x.packed)
		}
	}
}

func TestChecksumOfTheSpecification(t *testing.T) { // MS-OXRTFCP 3.3
	if got := checksum([]byte(examples()["simple"].packed[headerSize:])); got != 0xA7C7C5F1 {
		t.Errorf("checksum is %#08x", got)
	}
}

func TestPresetDictionaryHasItsSize(t *testing.T) {
	if len(preset) != 207 { // MS-OXRTFCP 2.1.3.1.2
		t.Errorf("%d bytes", len(preset))
	}
}

func TestStoredIsReadAsItIs(t *testing.T) {
	raw := []byte("{\\rtf1 some text}")
	packed := Store(raw)
	if string(packed[8:16]) != "MELA\x00\x00\x00\x00" {
		t.Errorf("header % x", packed[:16])
	}
	got, err := Decompress(append(packed, 0, 0, 0)) // padding of the property behind it
	if err != nil || !bytes.Equal(got, raw) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestDamageIsToldAndWhatIsLeftGiven(t *testing.T) {
	whole := []byte(examples()["simple"].packed)
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-4] ^= 1
	huge := bytes.Clone(whole)
	huge[7] = 0xFF
	odd := bytes.Clone(whole)
	odd[8] = 'X'
	for name, b := range map[string][]byte{
		"empty": nil, "header only": whole[:16], "half a header": whole[:9], "cut": whole[:40], "flipped": flipped, "unknown kind": odd,
		"longer than stored": Store([]byte("abc"))[:17],
	} {
		got, err := Decompress(b)
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "cut" && string(got) != "{\\rtf1\\ansi\\ansicpg1252\\pard hello w" {
			t.Errorf("cut: %q", got)
		}
	}
	if _, err := Decompress(huge); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a header of 4 GB: %v", err)
	}
}

func TestReferenceToNowhereIsDamage(t *testing.T) {
	contents := []byte{1, 0xFF, 0x00} // offset 4080: nothing was ever there
	if got, err := Decompress(pack(contents, 2, typeCompressed, checksum(contents))); !errors.Is(err, ErrDamaged) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestDecompressUndoesCompress(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var raw []byte
		for _, piece := range rapid.SliceOfN(rapid.SampledFrom([]string{`{\rtf1`, `\par `, "hello world", `\b`, "}", "\r\n", "aaaaaaaaaaaaaaaaaaaa"}), 0, 800).Draw(t, "pieces") {
			raw = append(raw, piece...)
		}
		raw = append(raw, rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "bytes")...)
		got, err := Decompress(Compress(raw))
		if err != nil || !bytes.Equal(got, raw) {
			t.Fatalf("%d bytes came back as %d, %v", len(raw), len(got), err)
		}
	})
}

func TestLargeTextCompressesInTimeThatGrowsWithIt(t *testing.T) {
	one := bytes.Repeat([]byte{' '}, 4<<20)
	random := make([]byte, 1<<20)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	for _, raw := range [][]byte{one, random} {
		packed := Compress(raw)
		got, err := Decompress(packed)
		if err != nil || !bytes.Equal(got, raw) {
			t.Errorf("%d bytes came back as %d, %v", len(raw), len(got), err)
		}
		if len(packed) > len(raw)*9/8+32 {
			t.Errorf("%d bytes became %d", len(raw), len(packed))
		}
	}
}

func FuzzDecompress(f *testing.F) {
	for _, x := range examples() {
		f.Add([]byte(x.packed))
	}
	f.Add(Store([]byte("{\\rtf1}")))
	f.Fuzz(func(t *testing.T, b []byte) {
		raw, err := Decompress(b)
		if len(raw) > 9*len(b) {
			t.Fatalf("%d bytes became %d", len(b), len(raw))
		}
		if err != nil {
			return
		}
		if again, err := Decompress(Compress(raw)); err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("%q came back as %q, %v", raw, again, err)
		}
	})
}
