/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Gives back what only the start took: free memory, and the pages of program and libraries (symbols, constructors, what
 * loads BPF), which come back from the page cache when they are wanted.
 */
void process_trim(void);
