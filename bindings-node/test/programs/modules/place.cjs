// Whether this is the program itself, neither a thread nor a process that runs its jobs.
const { basename } = require('node:path')
const { isMainThread, threadId } = require('node:worker_threads')

exports.isProgram = isMainThread && basename(process.argv[1] ?? '') !== 'process.js'
exports.place = () => `${process.pid}/${threadId}`
