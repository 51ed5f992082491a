package mapi

import "testing"

// Entries of MS-OXPROPS 2, as samples of the table.
func TestKnownPropertiesAreThoseOfTheSpecification(t *testing.T) {
	for k, want := range map[Known]struct {
		name string
		typ  Type
		text string
	}{
		LidBusyStatus:          {"{00062002-0000-0000-c000-000000000046}:0x8205", TypeInteger32, "PidLidBusyStatus"},
		LidTimeZoneStruct:      {"{00062002-0000-0000-c000-000000000046}:0x8233", TypeBinary, "PidLidTimeZoneStruct"},
		LidGlobalObjectId:      {"{6ed8da90-450b-101b-98da-00aa003f1305}:0x0003", TypeBinary, "PidLidGlobalObjectId"},
		LidReminderSet:         {"{00062008-0000-0000-c000-000000000046}:0x8503", TypeBoolean, "PidLidReminderSet"},
		LidPercentComplete:     {"{00062003-0000-0000-c000-000000000046}:0x8102", TypeFloating64, "PidLidPercentComplete"},
		LidFileUnder:           {"{00062004-0000-0000-c000-000000000046}:0x8005", TypeString, "PidLidFileUnder"},
		NameKeywords:           {"{00020329-0000-0000-c000-000000000046}:Keywords", TypeMultipleString, "PidNameKeywords"},
		NameContentClass:       {"{00020386-0000-0000-c000-000000000046}:Content-Class", TypeString, "PidNameContentClass"},
		LidCleanGlobalObjectId: {"{6ed8da90-450b-101b-98da-00aa003f1305}:0x0023", TypeBinary, "PidLidCleanGlobalObjectId"},
	} {
		if k.Name().String() != want.name || k.Type() != want.typ || k.String() != want.text {
			t.Errorf("got %s %s %s, want %+v", k.Name(), k.Type(), k, want)
		}
	}
	for tag, want := range map[Tag]Tag{
		TagSubject: 0x0037001F, TagMessageClass: 0x001A001F, TagHasAttachments: 0x0E1B000B, TagChangeKey: 0x65E20102,
		TagMessageSize: 0x0E080003, TagMessageSizeExtended: 0x0E080014, TagAttachDataObject: 0x3701000D, TagRuleCondition: 0x667900FD,
		TagSentMailSvrEID: 0x674000FB, TagChildrensNames: 0x3A58101F, TagLastModificationTime: 0x30080040,
	} {
		if tag != want {
			t.Errorf("got %s, want %s", tag, want)
		}
	}
	if got := Tag(0x0E080014).Canonical(); got != "PidTagMessageSizeExtended" {
		t.Errorf("got %q", got)
	}
	if got := Tag(0x0E080040).Canonical(); got != "" {
		t.Errorf("a property of another type is %q", got)
	}
}

func TestEveryKnownNameIsFoundByItself(t *testing.T) {
	all := AllKnown()
	if len(all) != int(endOfKnown)-1 {
		t.Errorf("%d names of %d properties", len(all), endOfKnown-1)
	}
	for n, k := range all {
		if k.Name() != n || k.String() == "" || !canBeRead(k.Type()) {
			t.Errorf("%s is %s of type %s", n, k, k.Type())
		}
	}
}

func canBeRead(t Type) bool { return ROP.check(t) == nil }

func TestAKnownPropertyIsSetAndFound(t *testing.T) {
	var p Properties
	p.SetKnown(NameKeywords, []string{"Red"})
	if v, ok := p.GetKnown(NameKeywords); !ok || !Equal(v, []string{"Red"}) {
		t.Errorf("got %v, %v", v, ok)
	}
	if _, ok := p.GetKnown(LidContacts); ok {
		t.Error("another one is there")
	}
}
