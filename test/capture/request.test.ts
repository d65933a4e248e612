import t from 'tap'
import { openingOf } from '../../agent/capture/request.ts'
import { request } from './scene.ts'

t.test('an opening manifest says when it began, and until when it can still be running', async (t) => {
  const before = Date.now()
  const name = { identity: 'host-1', bundle: 'b' } as Parameters<typeof openingOf>[1]
  const opening = openingOf(request, name, 0)
  const started = Date.parse(opening.started)
  // Manifests have whole milliseconds.
  t.ok(before <= started && started <= Date.now(), opening.started)
  t.equal(Date.parse(opening.deadline) - started, 90_000)
  t.equal(Date.parse(openingOf({ ...request, latest: 100_000 }, name, 0).deadline) > started + 99_000, true)
  const asked = openingOf({ ...request, ago: 3000, labels: { team: 'shop' } }, name, 250)
  t.equal(Date.parse(asked.started) - Date.parse(asked.requested ?? ''), 3250)
  t.strictSame(asked.labels, { team: 'shop' })
  t.notOk('labels' in opening)
  t.match(opening, { identity: 'host-1', bundle: 'b', trigger: 'shutdown', agent: '0', recipients: [] })
})
