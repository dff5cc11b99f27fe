//! Inference of type arguments, as the checker asks for it: with declarations resolved on the way
//! and errors reported.

use goward_syntax::NodeId;

use crate::checker::{Checker, Operand};
use crate::ids::TypeId;

/// Types nested deeper than this infer nothing. `x1 := f(x0)`, `x2 := f(x1)` … can nest them without
/// end, and what looks at each of them as a whole would take longer and longer.
const NESTING_LIMIT: usize = 300;

impl Checker<'_> {
    /// The type arguments of a call or assignment at `node`; an error is reported where they cannot
    /// be found. With `reverse` the operand is the function type that is assigned to.
    pub(crate) fn infer(
        &mut self,
        node: NodeId,
        parameters: &[TypeId],
        given: &[Option<TypeId>],
        function_parameters: TypeId,
        operands: &[Operand],
        reverse: bool,
    ) -> Option<Vec<TypeId>> {
        let world = self.world;
        if let Some(deep) = operands
            .iter()
            .find(|operand| world.is_nested_deeper_than(operand.operand_type, NESTING_LIMIT))
        {
            let at = deep.expression.unwrap_or(node);
            self.error(at, "type nested too deeply to infer type arguments from it");
            return None;
        }
        let interface_inference = self.environment.version.allows(21);
        let inferred = world.infer(
            parameters,
            given,
            function_parameters,
            operands,
            interface_inference,
            &mut |method| self.obj_decl(method),
        );
        match inferred {
            Ok(list) => Some(list),
            Err(error) => {
                let argument = error.argument.filter(|_| !reverse);
                let at = argument.and_then(|index| operands[index].expression);
                if !error.message.is_empty() {
                    self.error(at.unwrap_or(node), error.message);
                }
                None
            }
        }
    }
}
