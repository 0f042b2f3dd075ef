// Other Studios behind the same Router, one line each.
import type { StudioNode } from '../../electron/contract/snapshot.ts'
import { describeNodeSlots } from '../../electron/wording/room.ts'
import { Icon, type IconName } from '../icon.tsx'
import { useSnapshot } from '../mirror.ts'

const icons: Readonly<Record<StudioNode['phase'], IconName>> = {
  ready: 'ready',
  degraded: 'warning',
  unreachable: 'failed',
}

/** The tooltip: everything without room in the row. */
const describeNode = ({ endpoint, reason }: StudioNode): string =>
  reason === null ? endpoint : `${reason} (${endpoint})`

export const Nodes = () => {
  const nodes = useSnapshot((snapshot) => snapshot.nodes)
  if (nodes === null || nodes.length === 0) return null
  return (
    <section className="section nodes" aria-label="Other Studios">
      <h2>Other Studios</h2>
      <ul>
        {nodes.map((node) => (
          <li key={node.name} className="node" title={describeNode(node)}>
            <span className={`service-mark phase-${node.phase === 'unreachable' ? 'failed' : node.phase}`}>
              <Icon name={icons[node.phase]} />
            </span>
            <span className="service-name">{node.name}</span>
            <span className="service-detail">
              {node.phase === 'ready' ? '' : node.phase}
              {node.reason === null ? '' : `: ${node.reason}`}
            </span>
            <span className="service-figures">
              {node.phase === 'unreachable' ? '' : describeNodeSlots(node)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}
