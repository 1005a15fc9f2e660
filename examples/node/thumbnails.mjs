/**
 * Thumbnails of a folder of pictures, one of which is hostile: a program with a memory limit for each.
 *
 * Usage: node examples/node/thumbnails.mjs
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Engine, JobFailed } from 'bursar'

const program = fileURLToPath(new URL('../programs/thumbnail.py', import.meta.url))
const folder = await mkdtemp(join(tmpdir(), 'bursar-thumbnails-'))
const engine = await Engine.open('memory:', { memory: '256MB' })

const samples = ['python3', '-I', program, '--samples', folder]
await (await engine.command(samples, { memory: '256MB', limits: { memory: null } })).result()

const jobs = []
for (const name of (await readdir(folder)).sort()) {
  const picture = join(folder, name)
  const argv = ['python3', '-I', program, picture, picture.replace('.png', '.small.png')]
  jobs.push({ name, job: await engine.command(argv, { memory: '64MB', timeout: '30s' }) })
}
for (const { name, job } of jobs) {
  try {
    const { stdout } = await job.result()
    console.log(`${name}: ${stdout.trim()}`)
  } catch (error) {
    if (!(error instanceof JobFailed)) throw error
    if (error.code === 'MemoryExceeded') {
      console.log(`${name}: stopped, it wanted more than its 64MB`)
    } else {
      const line = (await job.logs()).at(-1)
      console.log(`${name}: exit code ${error.exitCode}: ${line?.message}`)
    }
  }
}
await engine.shutdown()
await rm(folder, { recursive: true })
