import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const folder = dirname(dirname(fileURLToPath(import.meta.url)))

test('what is published works by itself, without an install script', (t) => {
  const [path] = execFileSync(process.execPath, ['scripts/pack.mjs'], {
    cwd: folder,
    encoding: 'utf8',
  }).split(': ')
  const home = mkdtempSync(join(tmpdir(), 'bursar-'))
  t.after(() => {
    rmSync(home, { recursive: true })
    rmSync(path, { recursive: true })
  })
  const { scripts, optionalDependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(
    readFileSync(join(path, 'bursar', 'package.json'), 'utf8'),
  )
  assert.equal(scripts, undefined)
  // Its types are made of Node's, which only programs in TypeScript need.
  const types = '@types/node'
  assert.deepEqual(Object.keys(peerDependencies), [types])
  assert.deepEqual(peerDependenciesMeta, { [types]: { optional: true } })
  // As npm would lay them out.
  cpSync(join(path, 'bursar'), join(home, 'node_modules', 'bursar'), { recursive: true })
  for (const name of Object.keys(optionalDependencies)) {
    cpSync(join(path, name.slice('bursar-'.length)), join(home, 'node_modules', name), { recursive: true })
  }
  const program =
    "import { task } from 'bursar'; console.log(await (await task('t', () => 'packed').submit()).result())"
  const run = (...args) => execFileSync(process.execPath, args, { cwd: home, encoding: 'utf8' }).trim()
  assert.equal(run('--input-type=module', '--eval', program), 'packed')
})
