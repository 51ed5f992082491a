package mapi

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// GlobalObjectID is the value of PidLidGlobalObjectId: what the copies of a meeting in all calendars have in common.
// PidLidCleanGlobalObjectId is the same without the date. MS-OXOCAL 2.2.1.27, 2.2.1.28
type GlobalObjectID struct {
	// Year, Month and Day are those on which the pattern has the occurrence that an exception stands for; else zero.
	Year       uint16
	Month, Day uint8
	// Created is a FILETIME. It is kept as a number, since it is zero in ids that other programs made.
	Created uint64
	// Reserved is zero.
	Reserved uint64
	Data     []byte
}

// globalObjectIDStart begins every one. MS-OXOCAL 2.2.1.27
const globalObjectIDStart = "\x04\x00\x00\x00\x82\x00\xE0\x00\x74\xC5\xB7\x10\x1A\x82\xE0\x08"

// vCalUID begins the data of one that was made of the UID of an iCalendar. MS-OXCICAL 2.1.3.1.1.20.26
const vCalUID = "vCal-Uid\x01\x00\x00\x00"

// AppendGlobalObjectID appends the bytes. MS-OXOCAL 2.2.1.27
func AppendGlobalObjectID(dst []byte, id GlobalObjectID) []byte {
	dst = append(dst, globalObjectIDStart...)
	dst = append(dst, byte(id.Year>>8), byte(id.Year), id.Month, id.Day) // the year alone is big-endian
	dst = le.AppendUint64(dst, id.Created)
	return appendBlock(le.AppendUint64(dst, id.Reserved), id.Data)
}

// DecodeGlobalObjectID reads the bytes. MS-OXOCAL 2.2.1.27
func DecodeGlobalObjectID(data []byte) (GlobalObjectID, error) {
	r := &reader{data: data}
	if start := r.take(len(globalObjectIDStart)); r.err == nil && string(start) != globalObjectIDStart {
		r.fail("it begins with % x", start)
	}
	id := GlobalObjectID{Year: uint16(r.u8())<<8 | uint16(r.u8()), Month: r.u8(), Day: r.u8()}
	id.Created, id.Reserved = r.u64(), r.u64()
	id.Data = r.bytes(r.length(1))
	r.end()
	if err := r.done("global object id"); err != nil {
		return GlobalObjectID{}, err
	}
	return id, nil
}

// Clean gives the id of the series that the occurrence belongs to. MS-OXOCAL 2.2.1.28
func (id GlobalObjectID) Clean() GlobalObjectID {
	id.Year, id.Month, id.Day = 0, 0, 0
	return id
}

// On gives the id of the occurrence that the pattern has on the day.
func (id GlobalObjectID) On(day time.Time) GlobalObjectID {
	id.Year, id.Month, id.Day = uint16(day.Year()), uint8(day.Month()), uint8(day.Day())
	return id
}

// GlobalObjectIDOfUID makes the id of a meeting that an iCalendar names by its UID. MS-OXCICAL 2.1.3.1.1.20.26
func GlobalObjectIDOfUID(uid string) (GlobalObjectID, error) {
	if uid == "" || strings.IndexByte(uid, 0) >= 0 {
		return GlobalObjectID{}, fmt.Errorf("the UID %.60q cannot become a global object id", uid)
	}
	return GlobalObjectID{Data: []byte(vCalUID + uid + "\x00")}, nil
}

// UID gives the UID that the id was made of, if it was. MS-OXCICAL 2.1.3.1.1.20.26
func (id GlobalObjectID) UID() (string, bool) {
	uid, ok := bytes.CutPrefix(id.Data, []byte(vCalUID))
	if !ok {
		return "", false
	}
	uid, _, _ = bytes.Cut(uid, []byte{0})
	return string(uid), len(uid) > 0
}
