use crate::checker::{Checker, Operand};
use crate::ids::TypeId;
use crate::world::World;
use goward_syntax::NodeId;
impl Checker<'_> {
    pub(crate) fn rename_type_parameters(
        &mut self,
        p: &[TypeId],
        t: TypeId,
    ) -> (Vec<TypeId>, TypeId) {
        (p.to_vec(), t)
    }
    pub(crate) fn infer(
        &mut self,
        _n: NodeId,
        _p: &[TypeId],
        _a: Vec<Option<TypeId>>,
        _t: TypeId,
        _o: &mut [Operand],
        _r: bool,
    ) -> Option<Vec<TypeId>> {
        None
    }
}
impl World {
    pub(crate) fn is_parameterized(&self, _p: &[TypeId], _t: TypeId) -> bool {
        false
    }
}
