// A task of a CommonJS module; see threads.test.mjs.
const { threadId } = require('node:worker_threads')
const { task } = require('bursar')

exports.common = task('modules.common', { executor: 'thread', module: __filename }, () => threadId)
