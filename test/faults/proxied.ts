import type { Captured } from '../../agent/capture/capture.ts'
import { Gasp } from '../../agent/daemon/gasp.ts'
import type { AtTrigger } from '../../agent/daemon/standing/standing.ts'
import { drain } from '../../agent/spool/drain.ts'
import { placeIn } from '../../agent/spool/place.ts'
import { openArchive, openStore } from '../../agent/store/open.ts'
import type { Collector } from '../../agent/wall/collector.ts'
import { never, request } from '../capture/scene.ts'
import { type Fault, faultyProxy } from '../faulty-proxy.ts'
import type { S3Server } from '../s3-server.ts'
import { drawOf } from './draw.ts'
import { claims, lost, told } from './judge.ts'
import { contentsOf } from './spool-contents.ts'

/** Where a seed is played with a real store. */
export interface Ground {
  readonly server: S3Server
  readonly bucket: string
  readonly collector: Collector
  /** An empty directory for this seed's disk. */
  readonly directory: string
}

/** ms by which a capture may pass its deadline, beside what its process was kept from running: nothing here asserts on speed. */
const MARGIN_MS = 2_000
const LOOK_MS = 20
/** To drain what a capture of megabytes has kept, on such a machine. */
const DRAIN_MS = 120_000

/** Captures by way of a proxy that does to requests what the seed says, then drains without it; gives what is wrong, in lines for a person. */
export async function tryThroughProxy(seed: number, ground: Ground): Promise<readonly string[]> {
  const { server, bucket, collector, directory } = ground
  const draw = drawOf(seed, 'proxied')
  const deadline = draw.between(5_000, 15_000)
  const url = `s3://${bucket}/seed-${seed}-${Date.now()}`
  const proxy = await faultyProxy(server.endpoint)
  const spells = Array.from({ length: draw.chance(1 / 8) ? 0 : draw.between(1, 4) }, (_, n) =>
    spellOf(seed, n, deadline),
  )
  const met: string[] = []
  try {
    const place = placeIn(directory)
    await using store = await openStore(url, { ...server.settings, endpoint: proxy.endpoint }, never)
    const began = performance.now()
    const standstill = watchStandstill()
    const lease: AtTrigger = {
      ...{ request: { ...request, deadline, hold: 2_000 }, store, spool: 2 ** 30 },
      [Symbol.asyncDispose]: async () => {},
    }
    proxy.decide((line, nth) => {
      const at = performance.now() - began
      const fault = spells.find((spell) => spell.meets(line, nth, at))?.fault
      if (fault !== undefined) met.push(`${Math.round(at)} ${line}: ${JSON.stringify(fault)}`)
      return fault
    })
    let [line, captured]: [string, Captured | undefined] = ['', undefined]
    const around = {
      ...{ standing: Promise.resolve({ atTrigger: async () => lease }), collector, spool: place },
      say: (said: string) => {
        line = said
      },
      memory: {
        begun: () => {},
        ended: (_: unknown, what: Captured | undefined) => {
          captured = what
        },
      },
    }
    await new Gasp({ trigger: draw.one(['shutdown', 'notice']), until: began + deadline }, around, never).ended
    const late = performance.now() - began - deadline
    const stood = standstill()
    await proxy[Symbol.asyncDispose]()
    const [inStore, onDisk] = [await objectsIn(url, server), await contentsOf(place)]
    await using near = await openStore(url, server.settings, never)
    await drain(place, near, {}, AbortSignal.timeout(DRAIN_MS))
    const [objects, left] = [await objectsIn(url, server), await contentsOf(place)]
    const wrong = [
      ...(late > MARGIN_MS + 3 * stood
        ? [`it ended ${late} ms after its deadline; this process stood for ${stood} ms`]
        : []),
      ...claims(inStore, 'at the end'),
      ...claims(objects, 'after the next boot'),
      ...lost({ onDisk, left, store: { objects } }),
      ...told({ captured, line, inStore, onDisk }),
    ]
    return wrong.length === 0 ? [] : [...wrong, `${Math.round(deadline)} ms`, ...met, line, again(seed)]
  } catch (error) {
    return [(error as Error).stack ?? String(error), ...met, again(seed)]
  } finally {
    await proxy[Symbol.asyncDispose]()
  }
}

/** Looks how long this process is kept from running, at most in one piece; gives what ends that, and says it in ms. */
function watchStandstill(): () => number {
  let [last, most] = [performance.now(), 0]
  const look = () => {
    const now = performance.now()
    most = Math.max(most, now - last)
    last = now
  }
  const timer = setInterval(look, LOOK_MS)
  return () => {
    clearInterval(timer)
    look()
    return most
  }
}

function again(seed: number): string {
  return `again: npm run test:faults -- --s3 --seeds 1 --from ${seed}`
}

const WHOM = [
  /./,
  /./,
  /opening\.json|\.open/,
  /manifest\.json/,
  /\/index\/.*\.json/,
  /partNumber=/,
  /uploads|uploadId=[^&]+$/,
  /hosts\/.*zst/,
]

/** A key that somebody else may have: a document's belongs to the bundle's id, and `.again` to nobody but its host (SPOOL.md). */
const ARTIFACT =
  /^PUT \/[^?]*\/hosts\/(?![^?]*(?:opening|plan|manifest)\.json)(?![^?]*\.again)[^?]*(?:\?x-id=PutObject)?$/

/** A time in which some of the requests meet a fault. */
function spellOf(seed: number, n: number, deadline: number) {
  const draw = drawOf(seed, 'proxied spell', n)
  const [whom, share] = [draw.one(WHOM), draw.one([0.2, 0.5, 1])]
  const from = draw.chance(0.5) ? 0 : draw.between(0, deadline)
  const to = draw.chance(0.3) ? Number.POSITIVE_INFINITY : from + draw.between(0, deadline)
  const { isOnce, ...fault } = faultOf(draw)
  const isTaken = 'status' in fault && fault.status === 412
  const meets = (line: string, nth: number, at: number) => {
    const name = line.replaceAll(/\d{8}T\d{6}Z-[0-9a-f]{16}|dt=[-\d]+|uploadId=[^& ]+|seed-[^/]+/g, '')
    return (
      at >= from &&
      at < to &&
      (isTaken ? ARTIFACT : whom).test(line) &&
      !(isOnce && nth > 1) &&
      drawOf(seed, n, name, nth).chance(share)
    )
  }
  return { fault, meets }
}

/** `isOnce`: who tries again is not told the same. */
function faultOf(draw: ReturnType<typeof drawOf>): Fault & { readonly isOnce?: boolean } {
  const bytes = draw.one([0, 100, 1_000, 100_000, 5_000_000])
  return draw.one<Fault & { readonly isOnce?: boolean }>([
    { kind: 'delay', ms: draw.magnitude(10, 5_000) },
    { kind: 'slow', rate: draw.one([1, 1_000, 1_000_000]) },
    { kind: 'stall', after: bytes },
    { kind: 'cut', after: bytes },
    { kind: 'cut-answer', after: draw.one([0, 0, 20, 200]) },
    { kind: 'stall-answer', after: draw.one([0, 20, 200]) },
    { kind: 'answer', status: 500, code: 'InternalError' },
    { kind: 'answer', status: 503, code: 'SlowDown' },
    { kind: 'answer', status: 409, code: 'ConditionalRequestConflict' },
    { kind: 'answer', status: 403, code: 'AccessDenied' },
    { kind: 'answer', status: 400, code: 'ExpiredToken' },
    { kind: 'answer', status: 403, code: 'RequestTimeTooSkewed', isOnce: true },
    { kind: 'answer', status: 412, code: 'PreconditionFailed', isOnce: true },
  ])
}

async function objectsIn(url: string, server: S3Server): Promise<Map<string, Buffer>> {
  const objects = new Map<string, Buffer>()
  await using archive = await openArchive(url, server.settings, never)
  for await (const { key } of archive.list('', never))
    objects.set(key, Buffer.concat(await Array.fromAsync(await archive.read(key, 0, never))))
  return objects
}
