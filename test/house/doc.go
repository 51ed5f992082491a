// Package house holds the rules of the house as tests: which package may import which, what a package comment says,
// what a file may hold. Each failure says why the rule exists. It may import the standard library only.
package house
