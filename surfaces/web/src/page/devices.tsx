import type { Status } from '../api.ts';

export function Devices({ status }: { readonly status: Status | null }) {
  return (
    <section aria-labelledby="devices">
      <h2 id="devices">Devices</h2>
      {status?.warnings.map((warning) => (
        <p class="warning" key={warning}>
          {warning}
        </p>
      ))}
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Role</th>
            <th scope="col">State</th>
          </tr>
        </thead>
        <tbody>
          {status?.devices.map((device) => (
            <tr key={device.did}>
              <td>
                {device.name}
                {device.name === status.device.name ? ' (this one)' : ''}
              </td>
              <td>{device.role}</td>
              <td>{device.frozen ? 'frozen' : 'enrolled'}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <h3>Services</h3>
      <table>
        <thead>
          <tr>
            <th scope="col">Service</th>
            <th scope="col">Keys are kept by</th>
            <th scope="col">State</th>
          </tr>
        </thead>
        <tbody>
          {status?.services.map((service) => (
            <tr key={`${service.role} ${service.class ?? ''}`}>
              <td>{service.class ? `${service.role} (${service.class})` : service.role}</td>
              <td>{service.custody}</td>
              <td>{service.ok === null ? 'elsewhere' : service.ok ? 'runs' : 'does not answer'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
