// Builds the native module in release mode and puts it beside this package's own files, under the
// name that the loader in ts/native.ts looks for.
import { execFileSync } from 'node:child_process'
import { copyFileSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = dirname(dirname(fileURLToPath(import.meta.url)))
const metadata = JSON.parse(
  execFileSync('cargo', ['metadata', '--no-deps', '--format-version', '1'], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  }),
)
execFileSync('cargo', ['build', '--release', '--locked', '-p', 'bursar-node'], {
  cwd: folder,
  stdio: 'inherit',
})

const built =
  { darwin: 'libbursar_node.dylib', win32: 'bursar_node.dll' }[process.platform] ?? 'libbursar_node.so'
const { platforms } = await import('./platforms.mjs')
const target = join(folder, `bursar.${platforms()[0]}.node`)
// Written beside and renamed: a process that has the old one open keeps it whole.
copyFileSync(join(metadata.target_directory, 'release', built), `${target}.new`)
renameSync(`${target}.new`, target)
