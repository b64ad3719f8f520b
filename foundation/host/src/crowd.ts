export { Crowd } from './listen/crowd.ts';
