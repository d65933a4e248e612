import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { openSystem, type System } from '../../../../agent/collector/host/ffi.ts'
import { newPatients } from '../../../../agent/collector/processes/patients.ts'
import { liveSource } from '../../../../agent/collector/sources/live/source.ts'
import { defaultSettings, type Settings } from '../../../../agent/settings/schema.ts'
import { contextOf, looked } from '../../looking.ts'
import { readAll, unhurried } from '../../reading.ts'
import { compiled, noCompiler, noTracing, plantedIn, started } from '../stacks/program.ts'

const skip = noCompiler || noTracing()

async function inventory(
  live: Partial<Settings['live']>,
  { system = openSystem(), root = '/', patients = newPatients(root) } = {},
) {
  const seal = { ...defaultSettings().seal, unsealed: 'allow' as const }
  const settings = { ...defaultSettings(), seal, live: { ...defaultSettings().live, ...live } }
  return await looked(liveSource(system as System), contextOf(root, settings, patients))
}

t.test(
  'a core of a living process, by either way to freeze it: whose it is, and what gdb sees',
  { skip },
  async (t) => {
    const path = compiled(t)
    const { pid } = await started(t, path, 'deadlock')
    for (const freeze of ['whole', 'registers'] as const) {
      const { found, gaps } = await inventory({ cores: [`exe:${path}`], freeze })
      t.strictSame(gaps, [])
      t.equal(found.length, 1)
      t.match(found[0], {
        ...{ source: 'live', name: `live/patient.${pid}.core.zst`, class: 'memory', phase: 'live', encoding: 'frames' },
        identity: { pid, comm: 'patient', exe: path, threads: 3 },
      })
      const started = found[0]?.identity.started ?? 0
      t.ok(Math.abs(Date.now() - started) < 600_000, 'started not long ago')
      const { content, outcome } = await readAll(found[0])
      t.equal(outcome.truncated, undefined)
      t.match(outcome.identity, { buildId: /^[0-9a-f]{8,}$/, freezeMs: Number })
      t.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /State:\tS.*TracerPid:\t0\n/s, 'it runs on')
      if (spawnSync('gdb', ['--version']).status !== 0) continue
      const core = join(dirname(path), 'core')
      writeFileSync(core, content)
      const args = ['-nx', '-batch', path, core, '-ex', 'thread apply all bt', '-ex', 'print locks[0].__data.__lock']
      const said = execFileSync('gdb', args, { encoding: 'utf8', stdio: 'pipe' })
      t.equal(said.match(/ in grab \(/g)?.length, 2)
      t.match(said, /\$1 = [12]\n/, 'and its data')
    }
  },
)

t.test(
  'where this Node cannot trace, gdb may, if it is asked for and here',
  { skip: skip || (spawnSync('gdb', ['--version']).status !== 0 && 'no gdb') },
  async (t) => {
    const { pid } = await started(t, compiled(t), 'sleep')
    const missing: System = { kind: 'missing', reason: 'this Node has no node:ffi' }
    const { found, gaps } = await inventory(
      { cores: [`pid:${pid}`], with: 'gcore', standstill: 10_000 },
      { system: missing },
    )
    t.strictSame(gaps, [])
    const { content, outcome } = await readAll(found[0])
    t.match(outcome, {
      truncated: undefined,
      identity: { freezeMs: Number, buildId: /^[0-9a-f]+$/, details: { by: 'gdb' } },
    })
    t.equal(content.readUInt32BE(0), 0x7f454c46)
    t.equal(plantedIn(content), undefined)
  },
)

t.test('two cores, and the stacks, never look at processes at the same time', { skip }, async (t) => {
  const patients = newPatients('/')
  const { pid } = await started(t, compiled(t), 'sleep')
  const { found } = await inventory({ cores: [`pid:${pid}`] }, { patients })
  const turn = await patients.turn(unhurried())
  const alive = setInterval(() => {}, 1000)
  await t.rejects(readAll(found[0], Infinity, AbortSignal.timeout(100)), { name: 'TimeoutError' })
  turn[Symbol.dispose]()
  t.ok((await readAll(found[0])).content.length > 0)
  ;(await patients.turn(unhurried()))[Symbol.dispose]()
  clearInterval(alive)
  t.pass('and the turn is given back')
})

t.test('limits: what is too large stays, what grew is cut', { skip }, async (t) => {
  const { pid } = await started(t, compiled(t), 'sleep')
  const { found, gaps } = await inventory({ cores: [`pid:${pid}`], limit: 4096 })
  t.strictSame(found, [])
  t.match(gaps, [{ source: 'live', status: 'skipped', reason: /^patient\[\d+\] has .*: live\.limit is 4KiB in all$/ }])
  const cut = await inventory({ cores: [`pid:${pid}`] })
  const { content, outcome } = await readAll(cut.found[0], 10_000)
  t.equal(content.length, 10_000)
  t.match(outcome.truncated, /the first 9\.77KiB were read/)
})

t.test('a process that has ended is told of, and ends nobody’s turn', { skip }, async (t) => {
  const patients = newPatients('/')
  const one = await started(t, compiled(t), 'sleep')
  const { found } = await inventory({ cores: [`pid:${one.pid}`] }, { patients })
  await one.end()
  await t.rejects(readAll(found[0]))
  ;(await patients.turn(unhurried()))[Symbol.dispose]()
})

t.test('nothing to take is a gap that says why', async (t) => {
  const missing: System = { kind: 'missing', reason: 'this Node has no node:ffi' }
  const stat = '7 (app) S 1 1 1 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0 9 0 0'
  const alone = t.testdir({ proc: { '7': { stat, cgroup: '0::/\n' } } })
  const gap = async (live: Partial<Settings['live']>) => (await inventory(live, { system: missing, root: alone })).gaps
  t.match(await gap({ cores: ['failed', 'largest:1'] }), [
    { source: 'live', class: 'memory', status: 'absent', reason: /no process is in a unit/ },
  ])
  t.match(await gap({ cores: [] }), [{ status: 'skipped', reason: /live\.cores/ }])
  t.match(await gap({ when: 'never' }), [{ status: 'skipped', reason: 'live.when is "never"' }])
  t.match(await gap({ cores: ['exe:/none'] }), [{ status: 'absent', reason: 'no process is meant by exe:/none' }])
  t.match(await gap({ cores: ['pid:7'] }), [
    { status: 'failed', reason: 'no core of app[7]: processes cannot be traced: this Node has no node:ffi' },
  ])
})
