import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { newBundle } from '../../agent/bundle/keys.ts'
import { generateIdentity, recipientOf, secretText } from '../../agent/seal/keys.ts'
import { directoryStore } from '../../agent/store/directory/store.ts'
import { dated, factsPiece, type Piece, tarOf } from '../operator/bundle/bundle.ts'
import { type CutPlan, core, cutBundle, FRAME } from '../operator/salvage/cut-bundle.ts'
import { type Ended, lastgasp } from './lastgasp.ts'

t.setTimeout(180_000)
const HOUR_MS = 3_600_000

interface Scene {
  readonly name: ReturnType<typeof newBundle>
  readonly to: string
  run(...args: string[]): Promise<Ended>
  json(...args: string[]): Promise<Record<string, unknown>>
  here(path: string): Promise<Buffer>
}

/** A bundle in a directory whose host died an hour ago while it sent. */
async function setUp(t: Test, plan: Omit<CutPlan, 'store' | 'name'>, isSealed = false, ago = HOUR_MS): Promise<Scene> {
  const directory = t.testdir({ store: {} })
  const identity = generateIdentity()
  const key = join(directory, 'key.txt')
  await writeFile(key, `${secretText(identity)}\n`)
  const store = join(directory, 'store')
  const name = newBundle('web-7', Date.now() - ago)
  const recipients = isSealed ? [recipientOf(identity).text] : []
  await cutBundle({ store: directoryStore(store), name, recipients, ...plan })
  await dated(store, name.bundle)
  const to = join(directory, 'to')
  const run = (command = '', ...args: string[]) => {
    const more = command === 'fetch' ? ['--to', to] : []
    const keys = ['fetch', 'verify'].includes(command) ? ['--identity', key] : []
    return lastgasp([command, ...args, '--store', pathToFileURL(store).href, ...more, ...keys])
  }
  return {
    ...{ name, to, run },
    json: async (...args) => JSON.parse((await run(...args, '-o', 'json')).stdout),
    here: (path) => readFile(join(to, path)),
  }
}

/** Which frames of a file are those of the content: the others have to be zeros. */
function framesIn(t: Test, file: Buffer, { content }: Piece): number[] {
  const found: number[] = []
  for (let at = 0; at < file.length; at += FRAME) {
    const [here, there] = [file, content].map((of) => of.subarray(at, at + FRAME)) as [Buffer, Buffer]
    if (here.equals(there.subarray(0, here.length))) found.push(at / FRAME)
    else
      t.ok(
        here.every((byte) => byte === 0),
        `frame ${at / FRAME} is a hole`,
      )
  }
  return found
}

for (const isSealed of [false, true]) {
  const how = isSealed ? 'sealed' : 'not sealed'

  t.test(`${how}: salvage brings back what had arrived, each frame at its place`, async (t) => {
    const app = core('live/app.7.core.zst', 14)
    // Stored it has 8 parts; three and five never arrived, nor its end.
    const scene = await setUp(
      t,
      { whole: [await factsPiece()], cut: [{ piece: app, arrived: [1, 2, 4, 6] }] },
      isSealed,
    )
    const { run, json, here, name } = scene

    const before = await run('show', 'latest')
    t.equal(before.code, 4)
    t.match(before.stdout, /app\.7\.core\.zst[^\n]*not salvaged: 32MiB of it arrived/)
    t.match(before.stdout, `lastgasp salvage ${name.bundle}`)
    t.match(before.stdout, /1 of 3 artifacts arrived, .*, and 32MiB in 1 unfinished upload; it had until/)
    t.match(before.stdout, /^not salvaged +32MiB .* live\/app\.7\.core\.zst$/m)
    t.match(await run('list'), { stdout: /interrupted .*web-7: 32MiB in 1 unfinished upload/ })
    t.match((await json('list')) as unknown as readonly unknown[], [
      { status: 'interrupted', unfinished: { uploads: 1, bytes: 32 * 1024 ** 2 } },
    ])
    const cut = await run('fetch', 'latest')
    t.match(cut.stdout, /32MiB more\n *lastgasp salvage/, 'fetch offers it')
    t.equal(String(await here('facts/summary.txt')), 'it was the disk\n', 'what was whole opens all the same')

    const dry = await run('salvage', 'latest', '--dry-run')
    t.match(dry, { code: 0, stderr: /1 unfinished upload with 32MiB of 1 bundle: 5 writes, 16MiB to send/ })
    t.match(dry.stdout, /due +32MiB +live\/app\.7\.core\.zst/)
    t.match(await run('list'), { stdout: /interrupted/ }, 'nothing was written')
    const done = await run('salvage', 'latest')
    t.match(done, { code: 0, stdout: /completed +32MiB +live\/app\.7\.core\.zst/, stderr: /5 writes/ })
    t.match(await run('salvage', 'latest'), { code: 0, stdout: /closed/ }, 'again')
    t.match(await run('list'), { stdout: /salvaged +unknown/ })

    t.equal((await run('fetch', 'latest')).code, 4)
    const fetched = (await json('fetch', 'latest')).fetched as readonly {
      artifact: string
      status: string
      reason: string
    }[]
    const got = fetched.find(({ artifact }) => artifact === app.artifact)
    t.match(got, { status: 'truncated', reason: /^16MiB of it never arrived \(at 16MiB, at 32MiB of what is stored\)/ })
    const found = framesIn(t, await here('live/app.7.core'), app)
    // Frames take a little more than their content, so each part begins within one.
    t.same(
      found.filter((frame) => ![3, 4, 5, 7, 8, 9].includes(frame)),
      [0, 1, 2, 6, 10],
    )
    t.ok(found.length <= 6, `${found}`)
    const verified = (await json('verify', 'latest')).verified as readonly { artifact: string; status: string }[]
    t.match(
      verified.find(({ artifact }) => artifact === app.artifact),
      { status: 'truncated', reason: /^16MiB of it/ },
    )
    t.match(
      verified.find(({ artifact }) => artifact === 'facts.tar.zst'),
      { status: 'ok' },
    )
    const shown = await run('show', 'latest')
    t.match(shown, { code: 4, stdout: /^salvaged[\s\S]*has holes: 16MiB/ })
    t.match(shown.stdout, /^unfinished +32MiB .* live\/app\.7\.core\.zst$/m)
    t.notMatch(shown.stdout, /lastgasp salvage|missing .*app\.7/)
  })

  t.test(`${how}: of an archive with a hole the files behind it come back, too`, async (t) => {
    const files = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`cores/${i}.core`, randomBytes(1024 ** 2)]))
    const piece: Piece = {
      artifact: 'stacks.tar.zst',
      source: 'stacks',
      content: await tarOf(files),
      encoding: 'frames',
    }
    const { run, here, to } = await setUp(t, { cut: [{ piece, arrived: [1, 3, 4] }] }, isSealed)
    t.match(await run('salvage', 'latest'), { code: 0 })
    t.match(await run('fetch', 'latest'), {
      code: 4,
      stdout: /8MiB of it never arrived[\s\S]*zeros stand for a part of stacks\/cores\/3\.core/,
    })
    for (const i of [0, 2, 20, 29])
      t.ok((await here(`stacks/cores/${i}.core`)).equals(files[`cores/${i}.core`] as Buffer), `${i}`)
    await t.rejects(readFile(join(to, 'stacks/cores/10.core')), 'it was in the hole')
  })

  t.test(`${how}: what had all arrived is whole`, async (t) => {
    const app = core('live/app.7.core.zst', 4)
    const { run, here, json } = await setUp(t, { cut: [{ piece: app, arrived: [1, 2, 3] }] }, isSealed)
    t.match(await run('salvage', 'web-7/latest'), { code: 0 })
    const { fetched } = (await json('fetch', 'latest')) as { fetched: readonly { status: string }[] }
    t.match(fetched, [{ status: 'complete' }])
    t.ok((await here('live/app.7.core')).equals(app.content))
    const { verified } = (await json('verify', 'latest')) as { verified: readonly { status: string }[] }
    t.match(verified, [{ status: 'ok', checked: [...(isSealed ? ['seal'] : []), 'frames'] }])
  })

  t.test(`${how}: a hole explains nothing else that is wrong`, async (t) => {
    const app = core('live/app.7.core.zst', 8)
    const { run, json } = await setUp(t, { cut: [{ piece: app, arrived: [1, 3, 4, 5] }] }, isSealed)
    t.match(await run('salvage', 'latest'), { code: 0 })
    const store = join(t.testdirName, 'store/v1/hosts/web-7')
    const [path = ''] = (await import('node:fs')).globSync(`${store}/*/live/*`)
    const bytes = await readFile(path)
    bytes.fill(7, 29_000_000, 29_000_100)
    await writeFile(path, bytes)
    const { verified } = (await json('verify', 'latest')) as { verified: readonly { status: string }[] }
    t.match(verified, [{ status: 'damaged' }])
    const { fetched } = (await json('fetch', 'latest')) as { fetched: readonly { status: string }[] }
    t.match(fetched, [{ status: 'damaged', reason: /^8MiB of it never arrived/ }])
  })
}

t.test('a core that its host had compressed opens up to the first hole', async (t) => {
  const { zstdCompressSync } = await import('node:zlib')
  const plain = randomBytes(20 * 1024 ** 2)
  const piece: Piece = {
    artifact: 'cores/app.7.core.zst',
    source: 'cores',
    content: zstdCompressSync(plain),
    encoding: 'as-is',
  }
  const { run, here, json } = await setUp(t, { cut: [{ piece, arrived: [1, 3] }] })
  t.match(await run('salvage', 'latest'), { code: 0 })
  t.match((await json('fetch', 'latest')).fetched, [
    { status: 'truncated', path: 'cores/app.7.core', reason: /^8MiB of it/ },
  ])
  const core7 = await here('cores/app.7.core')
  t.ok(core7.length > 6 * 1024 ** 2, `${core7.length}`)
  t.ok(core7.equals(plain.subarray(0, core7.length)))
  t.match((await json('verify', 'latest')).verified, [{ status: 'truncated' }])
})

t.test('what a host could not complete and has a receipt of lands where the host had it', async (t) => {
  const content = randomBytes(3 * FRAME)
  const item = { path: '/var/log/app.log' }
  const piece: Piece = { artifact: 'files/var/log/app.log.zst', source: 'files', content, encoding: 'frames', item }
  const { run, here, json } = await setUp(t, {
    end: 'closed',
    whole: [await factsPiece()],
    cut: [{ piece, arrived: [1, 2] }],
  })
  t.match(await run('list'), { stdout: /partial .*12\.1?MiB in 1 unfinished upload|partial .*12MiB in 1/ })
  t.match(await run('salvage', '--host', 'web-*'), { code: 0 })
  await run('fetch', 'latest')
  t.ok((await here('root/var/log/app.log')).equals(content))
  t.match((await json('verify', 'latest')).verified, [{ status: 'ok' }, { artifact: piece.artifact, status: 'ok' }])
  t.match(await run('list'), { stdout: /partial/ })
})

t.test('a capture that may be running is left alone', async (t) => {
  const { run, name } = await setUp(
    t,
    { cut: [{ piece: core('live/app.7.core.zst', 2), arrived: [1] }] },
    false,
    30_000,
  )
  t.match(await run('salvage', 'latest'), {
    code: 1,
    stderr: /its capture may be running until .* by the store's clock/,
  })
  t.match(await run('salvage', '--all'), { code: 0, stdout: /running/ })
  t.notMatch(await run('show', 'latest'), { stdout: /not salvaged/ })
  t.match(await run('list'), { stdout: new RegExp(`open .*${name.bundle} +web-7$`, 'm') })
})

t.test('which bundles are meant', async (t) => {
  const { run, name } = await setUp(t, { cut: [{ piece: core('live/app.7.core.zst', 2), arrived: [1] }] })
  for (const args of [
    [],
    ['latest', '--all'],
    ['--host', 'web-7', '--all'],
    ['latest', '--older-than', '1h'],
    ['--all', '--older-than', 'soon'],
  ])
    t.match(await run('salvage', ...args), { code: 2 }, args.join(' '))
  t.match(await run('salvage', 'web-8/latest'), { code: 3 })
  t.match(await run('salvage', '--all', '--older-than', '2h'), { code: 0, stderr: /there is nothing to salvage/ })
  t.match(await run('salvage', '--host', 'db-*'), { code: 0, stderr: /there is nothing to salvage/ })
  t.match(await run('salvage', '--all', '--older-than', '30min', '-o', 'json'), { code: 0, stdout: name.bundle })
  t.match(await run('salvage', '--all'), { code: 0, stderr: /there is nothing to salvage/ })
})
