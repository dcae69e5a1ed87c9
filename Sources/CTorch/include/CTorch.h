#ifndef GESSO_CTorch_H
#define GESSO_CTorch_H
#endif
