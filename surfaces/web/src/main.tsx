import { render } from 'preact';
import { takeToken } from './api.ts';
import { App } from './page/app.tsx';

render(<App token={takeToken()} />, document.getElementById('app')!);
