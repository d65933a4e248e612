import type { BundleName } from '../../agent/bundle/keys.ts'
import { bundlePrefix } from '../../agent/bundle/keys.ts'
import { formatMarker, MARKER_BYTES } from '../../agent/frames/marker.ts'
import { factsPiece } from '../operator/bundle/bundle.ts'
import type { Attack } from './attack.ts'

const EVIL = '\x1b]0;owned\x07\x1b[2J\u202e$(id)\n--command=x'

/** What a salvager would have said of a bundle, who says what the attacker likes. */
function salvageOf(
  { identity, bundle }: BundleName,
  receipts: readonly unknown[],
  left: readonly unknown[] = [],
): string {
  const who = { version: 1, identity, bundle, salvaged: '2026-11-30T04:00:00.000Z', agent: EVIL, closed: false }
  return JSON.stringify({ ...who, receipts, left })
}

const unfinished = (name: string, bytes: number, holes: readonly unknown[]) => ({
  ...{ artifact: name, status: 'unfinished', sealed: false, bytesStored: 1 },
  objects: [{ name, bytes, upload: { id: EVIL, parts: 1e15, holes } }],
})

/** An upload in a directory that nobody has completed: its files, by their whole keys. */
const upload = (n: number, key: string, data: Buffer | string = 'x') => {
  const folder = `.uploads/${n.toString(16).padStart(16, '0')}`
  return { [`${folder}/key`]: key, [`${folder}/data`]: data }
}

/** Nothing but markers, each of a frame of 4 MiB that begins there and is none. */
function markersAlone(bytes: number): Buffer {
  const places = Array.from({ length: Math.floor(bytes / MARKER_BYTES) }, (_, n) => n * MARKER_BYTES)
  return Buffer.concat(
    places.map((storedOffset) =>
      formatMarker({ storedOffset, storedLength: 4_000_000, plainOffset: storedOffset, plainLength: 4_194_304 }),
    ),
  )
}

export const salvages: readonly Attack[] = [
  {
    name: 'a salvager says that there are two hundred thousand holes, in things that steer',
    make: async ({ name }) => ({
      pieces: [await factsPiece()],
      end: 'interrupted',
      objects: {
        'live/x.core.zst': Buffer.alloc(1000, 7),
        'salvage.json': salvageOf(
          name,
          [
            unfinished(
              'live/x.core.zst',
              1000,
              Array.from({ length: 200_000 }, (_, n) => ({ from: n * 2, to: n * 2 + 1 })),
            ),
            unfinished(EVIL, 1e15, [{ from: 0, to: 2 ** 53 - 1 }]),
            unfinished('facts.tar.zst', 1e15, [{ from: 0, to: 2 ** 53 - 1 }]),
            ...[null, 7, [], {}],
          ],
          [{ name: EVIL, parts: 1, bytes: 1, reason: EVIL }, null],
        ),
        'salvage.json.001': '[['.repeat(100_000),
        'salvage.json.002': '{}',
      },
    }),
  },
  {
    name: 'uploads are left that lead outside, steer a terminal, or are a document',
    make: async ({ name }) => ({
      pieces: [await factsPiece()],
      end: 'interrupted',
      keys: {
        ...upload(1, `${bundlePrefix(name)}cores/\x1b[2Jx.core`),
        ...upload(2, `${bundlePrefix(name)}cores/../../../../x`),
        ...upload(3, '../../../../etc/x'),
        ...upload(4, `${bundlePrefix(name)}manifest.json`),
        ...upload(5, `${bundlePrefix(name)}cores/\u202e$(id);--command=x`),
        ...upload(6, `${bundlePrefix(name)}.git/config`, '[core]\n\tfsmonitor = x\n'),
        ...upload(7, 'x'.repeat(5_000)),
      },
    }),
  },
  {
    name: 'around a hole there is nothing but markers of frames that are none',
    make: async ({ name }) => ({
      pieces: [await factsPiece()],
      end: 'interrupted',
      objects: {
        'live/x.core.zst': markersAlone(8_000_000),
        'stacks.tar.zst': markersAlone(8_000_000),
        'salvage.json': salvageOf(
          name,
          ['live/x.core.zst', 'stacks.tar.zst'].map((one) => unfinished(one, 8_000_000, [{ from: 1, to: 2 }])),
        ),
      },
    }),
  },
]
