// Lays out what is published, in npm/: one package for each platform whose native module lies in this
// folder, and the package itself, which names them as optional dependencies so that npm installs the
// one that fits. Nothing runs at installation.
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = dirname(dirname(fileURLToPath(import.meta.url)))
const target = join(folder, 'npm')
const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
const { name, version, license, engines } = manifest

/** The part of a manifest that keeps a package off the platforms it isn't for. */
function platformOf(platform) {
  const [os, cpu, abi] = platform.split('-')
  const libc = { gnu: 'glibc', musl: 'musl' }[abi]
  return { os: [os], cpu: [cpu], ...(libc && { libc: [libc] }) }
}

function writePackage(folder, content) {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(content, null, 2)}\n`)
}

function packPlatform(file) {
  const platform = file.split('.')[1]
  const path = join(target, platform)
  mkdirSync(path, { recursive: true })
  copyFileSync(join(folder, file), join(path, file))
  const description = `The native half of ${name} for ${platform}`
  const content = { name: `${name}-${platform}`, version, description, license, engines }
  writePackage(path, { ...content, main: file, files: [file], ...platformOf(platform) })
  return content.name
}

rmSync(target, { recursive: true, force: true })
const platforms = readdirSync(folder).filter((file) => /^bursar\..+\.node$/.test(file))
const optional = platforms.map((file) => [packPlatform(file), version])

const main = join(target, name)
cpSync(join(folder, 'dist'), join(main, 'dist'), { recursive: true })
copyFileSync(join(folder, 'README.md'), join(main, 'README.md'))
const { scripts, devDependencies, ...published } = manifest
writePackage(main, { ...published, optionalDependencies: Object.fromEntries(optional) })
console.log(`${target}: ${name}, ${optional.map(([name]) => name).join(', ')}`)
