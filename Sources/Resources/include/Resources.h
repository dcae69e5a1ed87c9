#ifndef GESSO_Resources_H
#define GESSO_Resources_H
#endif
