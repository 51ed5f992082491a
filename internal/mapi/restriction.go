package mapi

// Restriction is a condition on an object. MS-OXCDATA 2.12
type Restriction interface {
	restriction()
}
