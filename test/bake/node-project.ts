import { createHash, hash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import type { Test } from 'tap'
import { pack } from 'tar-stream'
import { ARCH } from './tiny-image.ts'

/** A version that the Node project never made. */
export const VERSION = '26.99.0'
export const NAME = `node-v${VERSION}-linux-${ARCH}`
export const ARCHIVE = `${NAME}.tar.gz`

/** A .tar.gz of these files below the release's own folder. */
export async function release(files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  const tar = pack()
  for (const [path, content] of Object.entries(files)) tar.entry({ name: `${NAME}/${path}`, mode: 0o755 }, content)
  tar.finalize()
  return gzipSync(await buffer(tar))
}

/** Lines of SHASUMS256.txt, as sha256sum writes them. */
export function sums(archive: Buffer): string {
  const other = createHash('sha256').update('another').digest('hex')
  return `${other}  node-v${VERSION}-headers.tar.gz\n${hash('sha256', archive)}  ${ARCHIVE}\n`
}

/** A server with these files in the version's directory; gives its address, and what was asked for. */
export async function nodeProject(t: Test, files: Readonly<Record<string, string | Buffer>>) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const name = request.url?.split(`/dist/v${VERSION}/`)[1] ?? ''
    asked.push(name)
    const content = files[name]
    response.writeHead(content === undefined ? 404 : 200).end(content)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}/dist`, asked }
}
