package main

import (
	"strings"
	"testing"
)

// From a run of go test -json.
const events = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestGood"}
{"Action":"output","Package":"p","Test":"TestGood","Output":"=== RUN   TestGood\n"}
{"Action":"output","Package":"p","Test":"TestGood","Output":"    a_test.go:7: chatter\n"}
{"Action":"pass","Package":"p","Test":"TestGood","Elapsed":0}
{"Action":"output","Package":"p","Test":"TestAway","Output":"=== RUN   TestAway\n"}
{"Action":"output","Package":"p","Test":"TestAway","Output":"    a_test.go:9: Cyrus is not installed: run install.sh\n"}
{"Action":"output","Package":"p","Test":"TestAway","Output":"--- SKIP: TestAway (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestAway","Elapsed":0}
{"Action":"output","Package":"p","Test":"TestAway/one","Output":"    a_test.go:9: Cyrus is not installed: run install.sh\n"}
{"Action":"skip","Package":"p","Test":"TestAway/one","Elapsed":0}
{"Action":"output","Package":"p","Test":"TestAway/two","Output":"    a_test.go:9: Cyrus is not installed: run install.sh\n"}
{"Action":"skip","Package":"p","Test":"TestAway/two","Elapsed":0}
{"Action":"output","Package":"p","Test":"TestBad","Output":"=== RUN   TestBad\n"}
{"Action":"output","Package":"p","Test":"TestBad","Output":"    a_test.go:12: wrong\n"}
{"Action":"output","Package":"p","Test":"TestBad","Output":"--- FAIL: TestBad (0.00s)\n"}
{"Action":"fail","Package":"p","Test":"TestBad","Elapsed":0}
{"Action":"output","Package":"p","Test":"TestHangs","Output":"panic: test timed out\n"}
{"Action":"output","Package":"p","Output":"FAIL\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.012s\n"}
{"Action":"fail","Package":"p","Elapsed":0.012}
{"ImportPath":"q","Action":"build-output","Output":"q.go:1: undefined: x\n"}
{"Action":"output","Package":"r","Output":"PASS\n"}
{"Action":"output","Package":"r","Output":"ok  \tr\t0.500s\n"}
{"Action":"pass","Package":"r","Elapsed":0.5}
`

func TestTheReportPrintsWhatGoTestPrintsAndThenTheSkips(t *testing.T) {
	var out strings.Builder
	r := report{out: &out, output: map[test][]string{}}
	r.read(strings.NewReader(events))
	r.summary()
	want := `    a_test.go:12: wrong
--- FAIL: TestBad (0.00s)
FAIL
FAIL	p	0.012s
panic: test timed out
q.go:1: undefined: x
ok  	r	0.500s
1 tests passed, 1 failed, 3 skipped
skipped: p TestAway, TestAway/one and 1 more: Cyrus is not installed: run install.sh
`
	if out.String() != want {
		t.Errorf("printed:\n%s\nwant:\n%s", out.String(), want)
	}
}
