import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import type { Remark } from '../../agent/check/remark.ts'
import { generateIdentity, recipientOf } from '../../agent/seal/keys.ts'
import { asProcess } from './lastgasp.ts'

const recipient = recipientOf(generateIdentity()).text

async function check(test: Test, args: readonly string[], env: NodeJS.ProcessEnv, layers: object = {}) {
  const root = test.testdir({ store: {}, ...layers })
  // Whatever the umask is: what a group may write is no settings file.
  execFileSync('chmod', ['-R', 'g-w', root])
  const url = pathToFileURL(join(root, 'store')).href
  const named = args.map((arg) => arg.replace('STORE', url))
  const run = await asProcess(['check', '-o', 'json', '--root', root, ...named], {
    ...env,
    ...(env.LASTGASP_STORE !== undefined && { LASTGASP_STORE: url }),
  })
  const remarks = JSON.parse(run.stdout) as Remark[]
  return { root, says: (about: string) => remarks.filter((one) => one.about === about).map(({ says }) => says) }
}

t.test('a store named for this run goes by the name its user knows', async (t) => {
  const set = ['--set', 'deadline=20s']
  const option = await check(t, ['--store', 'STORE', ...set], {})
  t.strictSame(option.says('settings'), ['from --store, --set deadline'])
  t.match(option.says('store'), [/takes objects/])
  t.strictSame((await check(t, set, { LASTGASP_STORE: '' })).says('settings'), ['from LASTGASP_STORE, --set deadline'])
  t.strictSame((await check(t, ['--set', 'store="STORE"'], {})).says('settings'), ['from --set store'])
})

t.test('recipients in a file that another of its name replaces', async (t) => {
  const image = {
    lastgasp: { 'config.d': { '50-site.toml': `seal.recipients = ["${recipient}"]\n`, '60-x.toml': '' } },
  }
  const host = { lastgasp: { 'config.d': { '50-site.toml': 'deadline = "20s"\n', '60-x.toml': '' } } }
  const { root, says } = await check(t, ['--store', 'STORE'], {}, { usr: { lib: image }, etc: host })
  const [closed, unsealed, masked, ...rest] = says('seal')
  t.match(closed, /no core will leave/)
  t.match(unsealed, /facts, traces, journal and files that are named leave as they are, UNSEALED/)
  const [lost, by] = ['usr/lib', 'etc'].map((place) => join(root, place, 'lastgasp/config.d/50-site.toml'))
  t.equal(
    masked,
    `seal.recipients of ${lost} is not in force: ${by} has the same name and stands in its place; rename one of them to have both`,
  )
  t.strictSame(rest, [], 'and nothing of the other file')

  const alone = await check(t, ['--store', 'STORE'], {}, { usr: { lib: image } })
  t.strictSame(alone.says('seal'), ['cores leave sealed to 1 recipient', 'facts, journal and log files leave sealed'])

  const slip = { lastgasp: { 'config.d': { '50-site.toml': 'seal.recipients = "age"\n' } } }
  const broken = await check(t, ['--store', 'STORE'], {}, { usr: { lib: image }, etc: slip })
  t.match(broken.says('seal'), [
    /no core will leave/,
    /no facts, no journal and no files will leave: .*50-site\.toml:1/,
  ])
})

t.test('whether anything is kept while the store is out of reach', async (t) => {
  const none = await check(t, ['--store', 'STORE'], {})
  t.match(none.says('spool'), [/^nothing is kept while the store is out of reach: .*var\/lib\/lastgasp/])
  const state = { var: { lib: { lastgasp: {} } } }
  const few = await check(t, ['--store', 'STORE', '--set', 'spool.max="8MiB"'], {}, state)
  t.match(few.says('spool'), [/^8MiB fit below .*var\/lib\/lastgasp while the store is out of reach$/])
})
