// The test puts the README's example here.
