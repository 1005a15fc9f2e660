// What is loaded into each process that a program starts, by its option --import.
globalThis.loaded = process.execArgv.join(' ')
