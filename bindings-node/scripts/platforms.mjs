// The names of platforms as napi-rs uses them, most likely first. ts/native.ts has the same.
export function platforms(platform = process.platform, arch = process.arch) {
  if (platform === 'linux') {
    const musl = process.report.getReport().header.glibcVersionRuntime === undefined
    return musl ? [`linux-${arch}-musl`] : [`linux-${arch}-gnu`]
  }
  return platform === 'win32' ? [`win32-${arch}-msvc`] : [`${platform}-${arch}`]
}
