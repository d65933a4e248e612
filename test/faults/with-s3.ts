import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { hostOf } from '../daemon/processes.ts'
import { startS3Server } from '../s3-server.ts'
import { tryThroughProxy } from './proxied.ts'
import { realHost } from './real-host.ts'

const BUCKET = 'faults'

/** What tries out a seed with a real S3 server and a real collector, which end with the test; or why there can be no such server. */
export async function withS3(
  test: Parameters<typeof hostOf>[0],
): Promise<((seed: number) => Promise<readonly string[]>) | string> {
  const server = await startS3Server(16 * 2 ** 30)
  if (typeof server === 'string') return server
  test.teardown(async () => await server[Symbol.asyncDispose]())
  await server.makeBucket(BUCKET)
  const collector = await realHost(test)
  return async (seed) => {
    const directory = mkdtempSync(join(tmpdir(), 'lastgasp-faults-'))
    try {
      return await tryThroughProxy(seed, { server, bucket: BUCKET, collector, directory })
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  }
}
