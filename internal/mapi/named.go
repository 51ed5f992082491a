package mapi

//go:generate go run ./propgen

// Known is a named property that this program knows, one of the constants LidBusyStatus, NameKeywords and so on.
// Properties that have no name are known by their tags: TagSubject. MS-OXPROPS 2
type Known uint16

// Name is its lasting name.
func (k Known) Name() Name {
	n, _, _ := k.entry()
	return n
}

// Type is its type.
func (k Known) Type() Type {
	_, t, _ := k.entry()
	return t
}

// String is its name in MS-OXPROPS: PidLidBusyStatus.
func (k Known) String() string {
	_, _, canonical := k.entry()
	return canonical
}

// AllKnown gives the named properties that are known, each with its name, for those who look them up by it.
func AllKnown() map[Name]Known {
	all := make(map[Name]Known, endOfKnown)
	for k := Known(1); k < endOfKnown; k++ {
		all[k.Name()] = k
	}
	return all
}

// GetKnown gives the value of a named property, if it is there and of its type.
func (p *Properties) GetKnown(k Known) (Value, bool) { return p.GetNamed(k.Name(), k.Type()) }

// SetKnown sets a named property.
func (p *Properties) SetKnown(k Known, v Value) { p.SetNamed(k.Name(), v) }
