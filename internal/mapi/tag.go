package mapi

import "fmt"

// Type says what kind of value a property has. MS-OXCDATA 2.11.1
type Type uint16

// The property types. MS-OXCDATA 2.11.1
const (
	TypeUnspecified  Type = 0x0000 // any type, in a question
	TypeNull         Type = 0x0001
	TypeInteger16    Type = 0x0002
	TypeInteger32    Type = 0x0003
	TypeFloating32   Type = 0x0004
	TypeFloating64   Type = 0x0005
	TypeCurrency     Type = 0x0006
	TypeFloatingTime Type = 0x0007
	TypeErrorCode    Type = 0x000A
	TypeBoolean      Type = 0x000B
	TypeObject       Type = 0x000D
	TypeInteger64    Type = 0x0014
	TypeString8      Type = 0x001E
	TypeString       Type = 0x001F
	TypeTime         Type = 0x0040
	TypeGUID         Type = 0x0048
	TypeServerID     Type = 0x00FB
	TypeRestriction  Type = 0x00FD
	TypeRuleAction   Type = 0x00FE
	TypeBinary       Type = 0x0102

	// TypeMultiple is the flag of a property with many values. MS-OXCDATA 2.11.1.5
	TypeMultiple Type = 0x1000
	// TypeInstance, together with TypeMultiple, asks a table for one row for each of the values. MS-OXCDATA 2.11.1.5
	TypeInstance Type = 0x2000

	TypeMultipleInteger16    = TypeMultiple | TypeInteger16
	TypeMultipleInteger32    = TypeMultiple | TypeInteger32
	TypeMultipleFloating32   = TypeMultiple | TypeFloating32
	TypeMultipleFloating64   = TypeMultiple | TypeFloating64
	TypeMultipleCurrency     = TypeMultiple | TypeCurrency
	TypeMultipleFloatingTime = TypeMultiple | TypeFloatingTime
	TypeMultipleInteger64    = TypeMultiple | TypeInteger64
	TypeMultipleString8      = TypeMultiple | TypeString8
	TypeMultipleString       = TypeMultiple | TypeString
	TypeMultipleTime         = TypeMultiple | TypeTime
	TypeMultipleGUID         = TypeMultiple | TypeGUID
	TypeMultipleBinary       = TypeMultiple | TypeBinary
)

// Multiple reports whether a property of this type has many values.
func (t Type) Multiple() bool { return t&TypeMultiple != 0 }

// Single is the type of one of the values of a property with many; a type of one value is its own.
func (t Type) Single() Type { return t &^ (TypeMultiple | TypeInstance) }

// String gives the name of MS-OXCDATA without "Ptyp".
func (t Type) String() string {
	name, ok := "", true
	switch t.Single() {
	case TypeUnspecified:
		name = "Unspecified"
	case TypeNull:
		name = "Null"
	case TypeInteger16:
		name = "Integer16"
	case TypeInteger32:
		name = "Integer32"
	case TypeFloating32:
		name = "Floating32"
	case TypeFloating64:
		name = "Floating64"
	case TypeCurrency:
		name = "Currency"
	case TypeFloatingTime:
		name = "FloatingTime"
	case TypeErrorCode:
		name = "ErrorCode"
	case TypeBoolean:
		name = "Boolean"
	case TypeObject:
		name = "Object"
	case TypeInteger64:
		name = "Integer64"
	case TypeString8:
		name = "String8"
	case TypeString:
		name = "String"
	case TypeTime:
		name = "Time"
	case TypeGUID:
		name = "Guid"
	case TypeServerID:
		name = "ServerId"
	case TypeRestriction:
		name = "Restriction"
	case TypeRuleAction:
		name = "RuleAction"
	case TypeBinary:
		name = "Binary"
	default:
		ok = false
	}
	switch {
	case !ok:
		return fmt.Sprintf("0x%04X", uint16(t))
	case t.Multiple():
		return "Multiple" + name
	}
	return name
}

// Tag names a property of an object by its id and its type. MS-OXCDATA 2.9
type Tag uint32

// MakeTag puts a property id and a type together.
func MakeTag(id uint16, t Type) Tag { return Tag(id)<<16 | Tag(t) }

// ID is the property id.
func (t Tag) ID() uint16 { return uint16(t >> 16) }

// Type is the property type.
func (t Tag) Type() Type { return Type(t) }

// WithType is the tag of the same property with another type.
func (t Tag) WithType(typ Type) Tag { return MakeTag(t.ID(), typ) }

// FirstNamedID is the first of the property ids that each mailbox or file gives to names as it pleases; they mean
// nothing without its list of names. MS-OXCPRPT 1.3
const FirstNamedID uint16 = 0x8000

// Named reports whether the id stands for a name.
func (t Tag) Named() bool { return t.ID() >= FirstNamedID && t.ID() != 0xFFFF }

// String gives 0x0037001F.
func (t Tag) String() string { return fmt.Sprintf("0x%08X", uint32(t)) }

// Kind says what a property is named by. MS-OXCDATA 2.6.1
type Kind uint8

// The kinds of names. MS-OXCDATA 2.6.1
const (
	KindID     Kind = 0x00 // by a number, the LID
	KindString Kind = 0x01 // by a text
	KindNone   Kind = 0xFF // it has no name
)

// Name is the lasting name of a property whose id differs from mailbox to mailbox. Names are equal when all of their
// fields are; make them with NameID and NameString, so that the field that does not count is empty. MS-OXCDATA 2.6.1
type Name struct {
	Set  GUID
	Kind Kind
	ID   uint32 // the LID; only of KindID
	Name string // only of KindString
}

// NameID is the name of a property that a number names in a set.
func NameID(set GUID, lid uint32) Name { return Name{Set: set, Kind: KindID, ID: lid} }

// NameString is the name of a property that a text names in a set.
func NameString(set GUID, name string) Name { return Name{Set: set, Kind: KindString, Name: name} }

// IsZero reports whether this is no name at all.
func (n Name) IsZero() bool { return n == Name{} || n.Kind == KindNone }

// String gives {set}:0x8205 or {set}:Keywords.
func (n Name) String() string {
	switch n.Kind {
	case KindID:
		return fmt.Sprintf("{%s}:0x%04X", n.Set, n.ID)
	case KindString:
		return fmt.Sprintf("{%s}:%s", n.Set, n.Name)
	}
	return "(no name)"
}
