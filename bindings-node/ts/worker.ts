// What a worker thread of the pool runs.

import { Child } from './child.js'
import { hold } from './hold.js'
import { post } from './inside.js'
import { ThreadLine } from './thread_line.js'

if (post === undefined) throw new Error('bursar/dist/worker.js is for worker threads of its own pool')

// Without a job the thread waits for one: it is ended from outside.
hold()
const child: Child = new Child(new ThreadLine(post, () => child.wake()))
process.on('uncaughtExceptionMonitor', () => child.breaks())
process.on('exit', () => child.breaks())
child.wake()
