package mapi

import "testing"

// The example of MS-OXPROPS 1.3.2 and of RFC 4122: the text form and the bytes.
func TestAGUIDHasItsFirstThreeFieldsLittleEndian(t *testing.T) {
	g, err := ParseGUID("{6ED8DA90-450B-101B-98DA-00AA003F1305}")
	if err != nil {
		t.Fatal(err)
	}
	if g != PSETIDMeeting() {
		t.Errorf("bytes % x, want % x", g, PSETIDMeeting())
	}
	if s := g.String(); s != "6ed8da90-450b-101b-98da-00aa003f1305" {
		t.Errorf("text %s", s)
	}
}

func TestThePropertySetsHaveTheTextsOfTheSpecification(t *testing.T) {
	for _, c := range []struct {
		set  GUID
		text string
	}{
		{PSPublicStrings(), "00020329-0000-0000-c000-000000000046"},
		{PSMAPI(), "00020328-0000-0000-c000-000000000046"},
		{PSInternetHeaders(), "00020386-0000-0000-c000-000000000046"},
		{PSETIDAppointment(), "00062002-0000-0000-c000-000000000046"},
		{PSETIDTask(), "00062003-0000-0000-c000-000000000046"},
		{PSETIDAddress(), "00062004-0000-0000-c000-000000000046"},
		{PSETIDCommon(), "00062008-0000-0000-c000-000000000046"},
		{PSETIDLog(), "0006200a-0000-0000-c000-000000000046"},
		{PSETIDNote(), "0006200e-0000-0000-c000-000000000046"},
		{PSETIDPostRss(), "00062041-0000-0000-c000-000000000046"},
		{PSETIDSharing(), "00062040-0000-0000-c000-000000000046"},
		{PSETIDRemote(), "00062014-0000-0000-c000-000000000046"},
		{PSETIDReport(), "00062013-0000-0000-c000-000000000046"},
		{PSETIDMessaging(), "41f28f13-83f4-4114-a584-eedb5a6b0bff"},
		{PSETIDUnifiedMessaging(), "4442858e-a9e3-4e80-b900-317a210cc15b"},
		{PSETIDAirSync(), "71035549-0739-4dcb-9163-00f0580dbbdf"},
		{PSETIDAttachment(), "96357f7f-59e1-47d0-99a7-46515c183b54"},
		{PSETIDCalendarAssistant(), "11000e07-b51b-40d6-af21-caa85edab1d0"},
		{PSETIDXmlExtractedEntities(), "23239608-685d-4732-9c55-4c95cb4e8e33"},
	} {
		if got := c.set.String(); got != c.text {
			t.Errorf("got %s, want %s", got, c.text)
		}
	}
}

func TestWhatIsNoGUIDIsRefused(t *testing.T) {
	for _, s := range []string{"", "{", "{6ED8DA90-450B-101B-98DA-00AA003F1305", "6ED8DA90-450B-101B-98DA-00AA003F130",
		"6ED8DA90-450B-101B-98DA-00AA003F130g", "6ED8DA90x450B-101B-98DA-00AA003F1305"} {
		if g, err := ParseGUID(s); err == nil {
			t.Errorf("%q was taken for %s", s, g)
		}
	}
}
