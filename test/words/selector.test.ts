import t from 'tap'
import type { HostProcess } from '../../agent/collector/processes/host-process.ts'
import { select } from '../../agent/collector/processes/select.ts'
import { parseMembership } from '../../agent/words/membership.ts'
import { parseSelector, SELECTOR } from '../../agent/words/selector.ts'

const ID = '0123456789abcdef'.repeat(4)

function host(pid: number, cgroup: string, more: Partial<HostProcess> = {}): HostProcess {
  const fixed = { comm: `p${pid}`, state: 'S', threads: 1, start: pid, memory: pid, own: pid }
  return { pid, ...fixed, ...(parseMembership(`0::${cgroup}\n`) ?? { cgroup }), ...more }
}

const processes = [
  host(1, '/init.scope'),
  host(10, '/system.slice/nginx.service', { exe: '/usr/sbin/nginx (deleted)' }),
  host(11, '/system.slice/nginx-exporter.service', { exe: '/opt/exporter/bin/run' }),
  host(12, '/system.slice/system-app.slice/app@1.service/worker'),
  host(13, `/kubepods/burstable/pod1/${ID}`),
  host(14, '/', { memory: 1000 }),
  host(15, '/system.slice/nginx.service', { state: 'Z' }),
]

const pids = (texts: string[], of = processes, troubled = new Map<number, unknown>()) =>
  select(of, texts.map(parseSelector), troubled).chosen.map(({ pid }) => pid)

t.test('what each selector means', async (t) => {
  t.strictSame(pids(['services']), [1, 10, 11, 12, 13], 'a container is one; a zombie and who is in no unit are not')
  t.strictSame(pids(['unit:nginx']), [10])
  t.strictSame(pids(['unit:nginx*']), [10, 11])
  t.strictSame(pids(['unit:app@?.service']), [12], 'a group below the unit is of it')
  t.strictSame(pids(['unit:init.scope']), [1])
  t.strictSame(pids(['exe:/usr/sbin/nginx']), [10], 'also when an upgrade has replaced the file')
  t.strictSame(pids(['exe:/opt/*']), [11])
  t.strictSame(pids(['pid:14']), [14])
  t.strictSame(pids(['largest:2']), [13, 12], 'of the services')
  t.strictSame(pids(['largest:9']), [13, 12, 11, 10], 'who stops all the others is not one of them')
  t.strictSame(
    pids(
      ['failed'],
      processes,
      new Map([
        [12, ''],
        [14, ''],
      ]),
    ),
    [12],
  )
  t.strictSame(pids(['pid:12', 'unit:nginx', 'services']), [12, 10, 1, 11, 13], 'each once, in the order asked for')
})

t.test('of many in trouble in one unit or container, the three largest', async (t) => {
  const workers = [20, 21, 22, 23, 24].map((pid) => host(pid, '/system.slice/web.service', { memory: 100 - pid }))
  const container = [30, 31, 32, 33].map((pid) => host(pid, `/kubepods/pod1/${ID}`))
  const all = [...workers, host(25, '/system.slice/db.service'), ...container]
  t.strictSame(pids(['failed'], all, new Map(all.map(({ pid }) => [pid, '']))), [20, 21, 22, 25, 33, 32, 31])
})

t.test('where nobody said what a service is, nobody is touched who was not named', async (t) => {
  const alone = [host(20, '/'), host(21, `/docker/${ID}`, { exe: '/bin/app' })]
  t.strictSame(
    pids(
      ['services', 'failed', 'largest:5', 'unit:*'],
      alone,
      new Map([
        [20, ''],
        [21, ''],
      ]),
    ),
    [],
  )
  t.strictSame(pids(['pid:20', 'exe:/bin/*'], alone), [20, 21])
  const { reasons } = select(alone, [parseSelector('services'), parseSelector('pid:99')], new Map())
  t.match(reasons, [/no process is in a unit/, /there is no process 99/])
  t.strictSame(select(processes, [parseSelector('services')], new Map()).reasons, [])
})

t.test('what is no selector is told', async (t) => {
  const wrong: [string, RegExp][] = [
    ['', /expected "services", "failed"/],
    ['nginx', /cannot read the selector "nginx": expected "services"/],
    ['services:', /expected/],
    ['unit:', /expected/],
    ['exe:nginx', /an absolute path/],
    ['pid:0', /whole number from 1 to 4194304/],
    ['pid:x', /whole number/],
    ['largest:', /whole number from 1 to 999/],
    ['largest:1000', /whole number/],
  ]
  for (const [text, error] of wrong) t.throws(() => parseSelector(text), error, text)
  for (const text of ['services', 'failed', 'largest:3', 'pid:1', 'unit:a*', 'exe:/a b']) t.match(text, SELECTOR)
})

t.test('a pattern has no other special characters', async (t) => {
  const { matches } = parseSelector('unit:a.b+(c)[d].service') as { matches: RegExp }
  t.ok(matches.test('a.b+(c)[d].service'))
  t.notOk(matches.test('aXb+(c)[d].service'))
})

t.test('unit and container of a cgroup', async (t) => {
  const table: [string, object][] = [
    ['0::/system.slice/a.service', { cgroup: '/system.slice/a.service', unit: 'a.service' }],
    ['0::/a.service (deleted)', { cgroup: '/a.service', unit: 'a.service' }],
    ['12:pids:/x\n1:name=systemd:/system.slice/b.service\n0::/', { unit: 'b.service' }],
    ['1:name=systemd:/c.scope', { unit: 'c.scope' }],
    ['0::/user.slice/user@1.service/app.slice/x.scope/sub', { unit: 'x.scope' }],
    [`0::/system.slice/docker-${ID}.scope`, { unit: `docker-${ID}.scope`, container: ID }],
    [`0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-${ID}.scope`, { container: ID }],
    [`0::/kubepods.slice/crio-${ID}.scope/container`, { container: ID }],
    [`0::/kubepods-pod1.slice:cri-containerd:${ID}`, { container: ID }],
    [`0::/docker/${ID}`, { container: ID }],
    [`0::/machine.slice/libpod-${ID}.scope/system.slice/inner.service`, { unit: 'inner.service', container: ID }],
  ]
  for (const [text, membership] of table) t.match(parseMembership(`${text}\n`), membership, text)
  t.notHas(parseMembership(`0::/machine.slice/crio-conmon-${ID}.scope\n`), { container: ID }, 'its monitor')
  t.equal(parseMembership('0::/docker/0123\n')?.container, undefined)
  t.equal(parseMembership(''), undefined)
})
