// Package mutate asks whether the tests bite: it breaks the engine, the store and the drivers on purpose, one bug at a time, and demands that
// the tests which are to notice do. `make mutate` runs it (build tag mutate); no product code knows of it, because each bug is a replacement in a
// copy of one source file that the go command is told to build in its place (-overlay). A bug whose old text is no longer found exactly
// once is stale and fails the run: it has to be seeded anew. The package imports nothing of ours.
package mutate
