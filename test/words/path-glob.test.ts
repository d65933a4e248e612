import t from 'tap'
import { FILES, parseFiles, parsePathGlob } from '../../agent/words/path-glob.ts'

const latin1 = (text: string) => Buffer.from(text).toString('latin1')

t.test('which files a glob means', async (t) => {
  const table: [glob: string, meant: string[], not: string[]][] = [
    ['/var/log/**', ['/var/log/a', '/var/log/a/b.log'], ['/var/log', '/var/logs/a', '/srv/var/log/a']],
    ['/var/log/*.log', ['/var/log/a.log', '/var/log/.log'], ['/var/log/a/b.log', '/var/log/a.log.1']],
    ['/srv/**/log/*', ['/srv/log/a', '/srv/x/y/log/a'], ['/srv/log/a/b', '/srv/xlog/a']],
    ['/srv/a?c', ['/srv/abc'], ['/srv/ac', '/srv/a/c', '/srv/abbc']],
    ['/srv/a**c', ['/srv/ac', '/srv/abbc'], ['/srv/a/c']],
    ['/srv/a.(b)+', ['/srv/a.(b)+'], ['/srv/aX(b)+', '/srv/a.b']],
    ['/srv/größe', [latin1('/srv/größe')], ['/srv/größe']],
    ['/**', ['/a', '/a/b\n'], ['/']],
  ]
  for (const [glob, meant, not] of table) {
    const { matches } = parsePathGlob(glob)
    t.strictSame([...meant, ...not].filter(matches), meant, glob)
    t.match(glob, FILES)
  }
})

t.test('where it begins, and into which directories it leads', async (t) => {
  t.equal(parsePathGlob('/var/log/**').base, '/var/log')
  t.equal(parsePathGlob('/srv/*/log').base, '/srv')
  t.equal(parsePathGlob('/**').base, '/')
  t.equal(parsePathGlob('/var/log/syslog').base, '/var/log/syslog')
  const { leadsInto } = parsePathGlob('/srv/*/log/**')
  const led = ['/', '/srv', '/srv/a', '/srv/a/log', '/srv/a/log/b/c']
  t.strictSame([...led, '/var', '/srv/a/b', '/srvx'].filter(leadsInto), led)
  t.notOk(parsePathGlob('/srv/*').leadsInto('/srv/a'), 'nothing below what it names')
})

t.test('what is none says why', async (t) => {
  t.throws(() => parseFiles('log'), /expected an absolute path/)
  t.throws(() => parseFiles('/'), /a directory is no file/)
  t.throws(() => parseFiles('/var/log/'), /write "\/var\/log\/\*\*"/)
  t.throws(() => parseFiles('/var/../etc/x'), /a part of it is empty, "." or ".."/)
  t.throws(() => parseFiles('/var//x'), /a part of it is empty/)
  t.throws(() => parseFiles('/proc/1/environ'), /below \/proc/)
  t.throws(() => parseFiles('/dev/*'), /below \/dev/)
  t.doesNotThrow(() => parseFiles('/devices/x'))
  t.equal(parseFiles('logs'), 'logs')
})
