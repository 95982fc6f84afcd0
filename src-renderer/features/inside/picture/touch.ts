import { createContext } from 'svelte';
import type { Cell, Picture } from './picture.ts';

/** Called when a cell of a picture is clicked, or chosen with Enter. @param name of the picture on its page */
export type Touched = (name: string, cell: Cell, picture: Picture) => void;

const [getTouched, setTouched] = createContext<Touched>();
export { getTouched, setTouched };
