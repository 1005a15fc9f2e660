// A task of a CommonJS module; see scenes.mjs.
const { task } = require('bursar')
const { place } = require('./place.cjs')

exports.common = task('modules.common', { executor: 'thread', module: __filename }, place)
