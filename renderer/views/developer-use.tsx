// Each developer's use since midnight.
import { formatCount, formatMilliseconds, formatPercent, foundShare } from '../../electron/wording/figures.ts'
import { useSnapshot } from '../mirror.ts'
import { TableHead } from './asked-view.tsx'

export const DeveloperUse = () => {
  const developers = useSnapshot((snapshot) => snapshot.developers)
  if (developers === null || developers.length === 0) return null
  return (
    <section className="block" aria-label="Used today">
      <h2>Used today</h2>
      <table className="table">
        <TableHead titles={['Who', 'Requests', 'Read', 'Cached', 'Written', 'First token']} />
        <tbody>
          {developers.map((use) => (
            <tr key={use.developer}>
              <th scope="row" title={use.developer}>
                {use.developer}
                {use.failed > 0 && <small>{use.failed} failed</small>}
              </th>
              <td>{formatCount(use.requests)}</td>
              <td>{formatCount(use.promptTokens)}</td>
              <td>{formatPercent(foundShare(use.cachedTokens, use.readTokens))}</td>
              <td>{formatCount(use.outputTokens)}</td>
              <td>{formatMilliseconds(use.meanFirstTokenMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
