package mapi

import (
	"fmt"
	"iter"
	"maps"
	"slices"
)

// Property is a property of an object with its value.
type Property struct {
	// Tag has the id of a property that has no name; a named one has the id 0, because its id is a matter of the
	// mailbox or file that it lies in, not of the property. The type is always that of Value.
	Tag Tag
	// Name is empty for a property that has no name.
	Name  Name
	Value Value
}

// Properties are the properties of one object, in the order in which they were first set. An object has at most one
// property of an id and one of a name, whatever its type, so setting it with another type replaces it. The zero value
// is empty and ready for use; a copy is made with Clone.
type Properties struct {
	list  []Property
	index map[key]int // where in list
}

// key is what a property is known by; one of the two is empty.
type key struct {
	id   uint16
	name Name
}

// Len is how many properties there are.
func (p *Properties) Len() int { return len(p.list) }

// Get gives the value of a property that has no name, if it is there and of the type of the tag. A tag of
// TypeUnspecified takes every type.
func (p *Properties) Get(t Tag) (Value, bool) { return p.get(key{id: t.ID()}, t.Type()) }

// GetNamed gives the value of a named property, if it is there and of the type; TypeUnspecified takes every type.
func (p *Properties) GetNamed(n Name, t Type) (Value, bool) { return p.get(key{name: n}, t) }

func (p *Properties) get(k key, t Type) (Value, bool) {
	i, ok := p.index[k]
	if !ok || t != TypeUnspecified && t != p.list[i].Tag.Type() {
		return nil, false
	}
	return p.list[i].Value, true
}

// Set sets a property that has no name. Its type is that of the value, even if the tag says another: an ErrorCode may
// stand for every type. A value of a Go type that is not in the table at Value is a mistake in the program, and panics.
func (p *Properties) Set(t Tag, v Value) {
	p.set(key{id: t.ID()}, Property{Tag: t.WithType(mustType(v)), Value: v})
}

// SetNamed sets a named property; its type is that of the value, as with Set.
func (p *Properties) SetNamed(n Name, v Value) {
	p.set(key{name: n}, Property{Tag: MakeTag(0, mustType(v)), Name: n, Value: v})
}

// SetProperty sets a property as All gives it.
func (p *Properties) SetProperty(prop Property) {
	if prop.Name.IsZero() {
		p.Set(prop.Tag, prop.Value)
	} else {
		p.SetNamed(prop.Name, prop.Value)
	}
}

func mustType(v Value) Type {
	t := TypeOf(v)
	if t == TypeUnspecified {
		panic(fmt.Sprintf("mapi: a %T is no value of a property", v))
	}
	return t
}

func (p *Properties) set(k key, prop Property) {
	if i, ok := p.index[k]; ok {
		p.list[i] = prop
		return
	}
	if p.index == nil {
		p.index = make(map[key]int)
	}
	p.index[k] = len(p.list)
	p.list = append(p.list, prop)
}

// Delete removes a property that has no name, whatever its type.
func (p *Properties) Delete(t Tag) { p.remove(key{id: t.ID()}) }

// DeleteNamed removes a named property, whatever its type.
func (p *Properties) DeleteNamed(n Name) { p.remove(key{name: n}) }

func (p *Properties) remove(k key) {
	i, ok := p.index[k]
	if !ok {
		return
	}
	p.list = slices.Delete(p.list, i, i+1)
	delete(p.index, k)
	for other, at := range p.index {
		if at > i {
			p.index[other] = at - 1
		}
	}
}

// All gives the properties in their order. The set must not be changed meanwhile.
func (p *Properties) All() iter.Seq[Property] { return slices.Values(p.list) }

// Clone makes a copy that can be changed without changing this one. The values are shared, as they never change.
func (p *Properties) Clone() Properties {
	return Properties{list: slices.Clone(p.list), index: maps.Clone(p.index)}
}

// Message is a message or any other kind of item: a contact, an appointment, as files and converters hand it about.
type Message struct {
	Properties
	Recipients  []Properties
	Attachments []Attachment
}

// Attachment is a part of a message. MS-OXCMSG 1.3.2
type Attachment struct {
	Properties
	// Embedded is the message that is attached, where the attachment is one (PidTagAttachMethod is 5).
	Embedded *Message
}
