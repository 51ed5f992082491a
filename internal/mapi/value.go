package mapi

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"time"
)

// Value is the value of a property. Its Go type is that of its property type, one for one (MS-OXCDATA 2.11.1):
//
//	Null          Null
//	Integer16     int16
//	Integer32     int32
//	Floating32    float32
//	Floating64    float64
//	Currency      Currency      ten-thousandths
//	FloatingTime  FloatingTime  days since 1899-12-30
//	ErrorCode     ErrorCode     why there is no value
//	Boolean       bool
//	Object        Object        the bytes of an embedded thing
//	Integer64     int64
//	String8       String8       bytes in the code page of the object
//	String        string        UTF-8; a surrogate without its other half is kept as three bytes
//	Time          time.Time     UTC, in steps of 100 ns since 1601
//	Guid          GUID
//	ServerId      ServerID
//	Restriction   Restriction
//	RuleAction    RuleActions
//	Binary        []byte
//	MultipleX     []X for each X of Integer16, Integer32, Floating32, Floating64, Currency, FloatingTime, Integer64,
//	              String8, String, Time, Guid and Binary
//
// A value is not changed after it has been handed over: whoever wants another one sets another one.
type Value any

// Null is the value of a property that has none. MS-OXCDATA 2.11.1
type Null struct{}

// Currency is an amount in ten-thousandths. MS-OXCDATA 2.11.1
type Currency int64

// FloatingTime is a time without a zone in days since 1899-12-30. MS-OXCDATA 2.11.1
type FloatingTime float64

// ErrorCode says why there is no value. MS-OXCDATA 2.4
type ErrorCode uint32

// The errors that stand in place of a value. MS-OXCDATA 2.4
const (
	ErrNotFound        ErrorCode = 0x8004010F // the object has no such property
	ErrNotEnoughMemory ErrorCode = 0x8007000E // the value is too large for an answer and must be read as a stream
	ErrAccessDenied    ErrorCode = 0x80070005
	ErrNoSupport       ErrorCode = 0x80040102
)

// String gives 0x8004010F.
func (e ErrorCode) String() string { return fmt.Sprintf("0x%08X", uint32(e)) }

// Object is the bytes of a thing that lies in another: a picture of an OLE object, an embedded message. MS-OXCDATA 2.11.1
type Object []byte

// String8 is text in the code page of the object that it belongs to (see Text). The bytes are kept as they came.
// MS-OXCDATA 2.11.1.2
type String8 string

// ServerID names a folder or a message within a mailbox, as a rule or a search result does. MS-OXCDATA 2.11.1.4
type ServerID []byte

// RuleActions holds the actions of a rule, each as its bytes without the length before them. MS-OXORULE 2.2.5
type RuleActions [][]byte

// TypeOf gives the property type of a value, or TypeUnspecified if it is of no type of the table at Value.
func TypeOf(v Value) Type {
	switch v.(type) {
	case Null:
		return TypeNull
	case int16:
		return TypeInteger16
	case int32:
		return TypeInteger32
	case float32:
		return TypeFloating32
	case float64:
		return TypeFloating64
	case Currency:
		return TypeCurrency
	case FloatingTime:
		return TypeFloatingTime
	case ErrorCode:
		return TypeErrorCode
	case bool:
		return TypeBoolean
	case Object:
		return TypeObject
	case int64:
		return TypeInteger64
	case String8:
		return TypeString8
	case string:
		return TypeString
	case time.Time:
		return TypeTime
	case GUID:
		return TypeGUID
	case ServerID:
		return TypeServerID
	case Restriction:
		return TypeRestriction
	case RuleActions:
		return TypeRuleAction
	case []byte:
		return TypeBinary
	case []int16:
		return TypeMultipleInteger16
	case []int32:
		return TypeMultipleInteger32
	case []float32:
		return TypeMultipleFloating32
	case []float64:
		return TypeMultipleFloating64
	case []Currency:
		return TypeMultipleCurrency
	case []FloatingTime:
		return TypeMultipleFloatingTime
	case []int64:
		return TypeMultipleInteger64
	case []String8:
		return TypeMultipleString8
	case []string:
		return TypeMultipleString
	case []time.Time:
		return TypeMultipleTime
	case []GUID:
		return TypeMultipleGUID
	case [][]byte:
		return TypeMultipleBinary
	}
	return TypeUnspecified
}

// Equal reports whether two values are of the same type and the same value. Times are compared as instants, and an
// absent slice is an empty one.
func Equal(a, b Value) bool {
	if TypeOf(a) != TypeOf(b) {
		return false
	}
	switch a := a.(type) {
	case time.Time:
		return a.Equal(b.(time.Time))
	case []time.Time:
		return slices.EqualFunc(a, b.([]time.Time), time.Time.Equal)
	case []byte:
		return bytes.Equal(a, b.([]byte))
	case Object:
		return bytes.Equal(a, b.(Object))
	case ServerID:
		return bytes.Equal(a, b.(ServerID))
	case [][]byte:
		return slices.EqualFunc(a, b.([][]byte), bytes.Equal)
	case RuleActions:
		return slices.EqualFunc(a, b.(RuleActions), bytes.Equal)
	}
	if va, vb := reflect.ValueOf(a), reflect.ValueOf(b); va.IsValid() && va.Kind() == reflect.Slice && va.Len() == 0 {
		return vb.Len() == 0
	}
	return reflect.DeepEqual(a, b)
}
