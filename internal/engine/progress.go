package engine

import "outpost/internal/groupware"

// Progress says how far a pass is: in one folder, and in all.
type Progress struct {
	Folder groupware.FolderID
	Path   string
	Doing  string // "listing", "downloading", "uploading", "sending"
	Amount        // of this folder
	All    Amount // of everything that the pass has found to read so far
}

// Amount is how much of how much is done. Bytes are those of items on the network; totals are 0 when not known.
type Amount struct {
	Done, Total       int64
	Bytes, TotalBytes int64
}

func (p *pass) progress(f groupware.FolderID, doing string, a Amount) {
	p.e.o.Progress(Progress{Folder: f, Path: p.paths[f], Doing: doing, Amount: a, All: p.all})
}
