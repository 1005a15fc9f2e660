// Tasks that try what a sandbox forbids, in processes of their own.
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { task } from 'bursar'

const declare = (name, handler) =>
  task(`sandboxed.${name}`, { executor: 'process', module: import.meta.url }, handler)

export const writes = declare('writes', (path) => {
  try {
    writeFileSync(path, 'x')
    return 'written'
  } catch (error) {
    return error.code
  }
})

export const connects = declare(
  'connects',
  (port) =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve('connected'))
      socket.on('error', (error) => resolve(error.code))
    }),
)
