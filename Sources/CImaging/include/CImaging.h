#ifndef GESSO_CImaging_H
#define GESSO_CImaging_H
#endif
