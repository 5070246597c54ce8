// What handlers say of themselves for the description of the API. It is written down here, and handed to Nest's generator when
// somebody asks for the document: to load that package is a quarter of an instance's start, and few ever ask.
import type * as Swagger from '@nestjs/swagger';

type Generator = typeof Swagger;
type Decorator = (target: object, key?: string | symbol, descriptor?: PropertyDescriptor) => void;
type Name = 'ApiHeader' | 'ApiOperation' | 'ApiProduces' | 'ApiResponse' | 'ApiSecurity' | 'ApiTags';

let notes: ((generator: Generator) => void)[] = [];

/** The generator's decorator of that name, applied when the document is made. */
function noted<N extends Name>(name: N): (...said: Parameters<Generator[N]>) => ClassDecorator & MethodDecorator {
  return (...said) => {
    const decorator: Decorator = (target, key, descriptor) => {
      notes.push((generator) => {
        const make = generator[name] as (...said: Parameters<Generator[N]>) => Decorator;
        make(...said)(target, key, descriptor);
      });
    };
    return decorator;
  };
}

export const ApiHeader = noted('ApiHeader');
export const ApiOperation = noted('ApiOperation');
export const ApiProduces = noted('ApiProduces');
export const ApiResponse = noted('ApiResponse');
export const ApiSecurity = noted('ApiSecurity');
export const ApiTags = noted('ApiTags');

/** Nest's generator, told of everything that was said. */
export async function toldGenerator(): Promise<Generator> {
  const generator = await import('@nestjs/swagger');
  const said = notes;
  notes = [];
  for (const tell of said) tell(generator);
  return generator;
}
