// Package safemap has maps that several goroutines may use at once, and deferred checks that turn
// the panic of a map operation into an error.
//
// A plain Go map that is written while another goroutine uses it ends the process, when the runtime
// notices, with a fatal error that no recover stops; when the runtime does not notice, entries may be
// lost. The three maps here cannot do that:
//
//   - [RW] is a plain map behind a [sync.RWMutex]: the smallest, and the one whose iteration is a
//     snapshot of one moment;
//   - [Sync] is [sync.Map] with types: made for keys that are written once and read often;
//   - [Sharded] reads without a lock and splits its writes over many locks: made for maps that many
//     goroutines use.
//
// The zero value of each is an empty map, ready for use. None may be copied after first use; go vet
// reports such a copy. All methods may be called at the same time by any number of goroutines.
//
// # Callbacks
//
// No method holds a lock while it runs a function of the caller: the body of a loop over All, Keys
// and Values, the callback of Range and the function given to Compute and Update may call any method
// of the same map, for the same key too, and cannot deadlock by it. The price: Compute and Update
// call their function again when somebody else changed the key in the meantime, so that function
// should do nothing but compute the new value.
//
// # Deferred checks
//
// [Guard] turns a panic of the function that defers it into an error; [Report] hands it to a
// recorder and lets it go on. The Deferred method of each map captures a value at the moment of the
// defer statement, where a deferred closure would read the map only when the function ends.
package safemap
