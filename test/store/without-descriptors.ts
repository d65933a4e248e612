import { openSync } from 'node:fs'
import { openStore } from '../../agent/store/open.ts'
import { DescriptorReserve } from '../../agent/streams/reserve.ts'
import { sentence } from '../../agent/words/cannot.ts'

/**
 * A program: puts into the store at an endpoint, when all descriptors but a reserve of so many are in use, and says how it went.
 * With `greedy` there is somebody who takes every one that is free for long.
 */
const [endpoint, size, greedy] = process.argv.slice(2)
Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'INVENTED', AWS_SECRET_ACCESS_KEY: 'invented' })
const reserve = new DescriptorReserve(Number(size))
const settings = {
  region: 'eu-west-9',
  endpoint,
  addressing: 'path',
  owner: undefined,
  checksums: 'supported',
} as const
await using store = await openStore('s3://bucket', { ...settings, reserve }, AbortSignal.timeout(20_000))
const put = (key: string) => store.put(key, Buffer.from('x'), AbortSignal.timeout(3_000))
try {
  // Leaves no connection behind, but the addresses of the name.
  if (greedy !== undefined) await put('before')
  exhaust()
  if (greedy !== undefined) setInterval(exhaust, 1).unref()
  await put('first')
  if (greedy === undefined) await put('second')
  console.log(greedy === undefined ? `stored, and ${await refilled()} are in reserve again` : 'stored')
} catch (error) {
  console.log(sentence(error))
}

/** How many are in reserve, once all are, or after a while. */
async function refilled(): Promise<number> {
  const patience = AbortSignal.timeout(2_000)
  while (reserve.held < Number(size) && !patience.aborted) await new Promise((resolve) => setTimeout(resolve, 5))
  return reserve.held
}

function exhaust(): void {
  try {
    for (;;) openSync('/dev/null', 'r')
  } catch {
    // That was the last one.
  }
}
