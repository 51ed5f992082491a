package merge

func (m *merger) message(baseRaw, localRaw, remoteRaw []byte) ([]byte, bool) { return nil, false }
